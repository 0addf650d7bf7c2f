/** The input of a consumer. */
export interface Job {
  readonly url: string
  readonly topic: string
  readonly group: string
  readonly concurrency: number
  /** How long each handler takes. Default: it never ends, so that its messages stay in hand. */
  readonly handlerMs?: number
}

/** The data of each message. */
export interface Data {
  readonly number: number
  /** If given, the first run holds the event loop for so long. */
  readonly stall?: { readonly ms: number; readonly since: number }
}

export type Said =
  | { readonly type: 'ready' }
  /** A run has begun or ended, at a time of the machine's clock, which all processes share. */
  | { readonly type: 'began' | 'ended'; readonly number: number; readonly at: number }

export const group = 'workers'
