import { type Adapter, defineTask, type Task } from '@mq/core'
import { kafka } from '@mq/kafka'
import { rabbitmq } from '@mq/rabbitmq'
import { redis } from '@mq/redis'
import type { ServerKind } from '@mq/test-brokers'

/** The input of a replica. */
export interface Job {
  readonly broker: ServerKind
  readonly url: string
  /** The URL of the Redis that holds the store. Default: no store. */
  readonly storeUrl?: string
  /** The name of the schedule and of its task. */
  readonly name: string
}

/** A report of a replica: it takes part, or it is about to enqueue the task for a tick. */
export type Said = { readonly type: 'ready' } | { readonly type: 'enqueues'; readonly id: string; readonly at: number }

export const everyMs = 1_000

/** Creates an adapter with takeovers that are as quick as the broker allows. */
export function adapterFor({ broker, url }: Job): Adapter {
  if (broker === 'kafka') return kafka({ url, sessionTimeoutMs: 6_000 })
  return broker === 'redis' ? redis({ url, visibilityMs: 3_000 }) : rabbitmq({ url })
}

export const taskOf = (name: string, execute: Task<null, void>['execute']): Task<null, void> =>
  defineTask<null, void>({ name, execute })
