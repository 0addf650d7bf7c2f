/** The input of a process that subscribes: to each topic as each group. */
export interface Job {
  readonly url: string
  readonly topics: readonly string[]
  readonly groups: readonly string[]
}

export type Order =
  | { readonly type: 'subscribe' }
  /** Publishes so many messages to each topic, and waits until every group has handled them. */
  | { readonly type: 'publish'; readonly perTopic: number }
  | { readonly type: 'leave' }

export type Said =
  | { readonly type: 'connected' }
  | { readonly type: 'subscribed'; readonly ms: number }
  | { readonly type: 'handled'; readonly ms: number; readonly handled: number }
