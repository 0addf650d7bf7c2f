import { type Adapter, defineTask, type Task } from '@mq/core'
import { kafka } from '@mq/kafka'
import { rabbitmq } from '@mq/rabbitmq'
import { redis } from '@mq/redis'
import type { ServerKind } from '@mq/test-brokers'

/** What a replica needs to know. */
export interface Job {
  readonly broker: ServerKind
  readonly url: string
  /** Of the Redis with the store, where there is one. */
  readonly storeUrl?: string
  /** Of the schedule, and of its task. */
  readonly name: string
}

/** What a replica says: that it takes part, or that it is about to enqueue the task for a tick, before it does. */
export type Said = { readonly type: 'ready' } | { readonly type: 'enqueues'; readonly id: string; readonly at: number }

export const everyMs = 1_000

/** Takeovers as quick as each broker allows. */
export function adapterFor({ broker, url }: Job): Adapter {
  if (broker === 'kafka') return kafka({ url, sessionTimeoutMs: 6_000 })
  return broker === 'redis' ? redis({ url, visibilityMs: 3_000 }) : rabbitmq({ url })
}

export const taskOf = (name: string, execute: Task<null, void>['execute']): Task<null, void> =>
  defineTask<null, void>({ name, execute })
