import { keysOf } from '../contract/checks/options.js'
import type { SubscribeOptions } from '../contract/handler.js'
import type { Message } from '../contract/message.js'
import type { PublishOptions, PublishResult, Routed } from '../contract/publish-options.js'
import type { StartRate } from './work/start-limit.js'

/** The options of a worker. `retry` and `timeoutMs` belong to the task. */
export interface WorkerOptions extends Pick<SubscribeOptions, 'concurrency' | 'ordered' | 'startFrom'> {
  /** How many runs may begin here within a time. The others wait in this process for their turn. Default: no limit. */
  readonly rate?: StartRate | undefined
}

export const workerOptionNames = keysOf<WorkerOptions>()({
  concurrency: true,
  ordered: true,
  startFrom: true,
  rate: true,
})

export type RouteOptions<Data = unknown> = Pick<
  SubscribeOptions,
  'concurrency' | 'ordered' | 'startFrom' | 'retry' | 'timeoutMs' | 'onLastFailure'
> & {
  /** Computes the `idempotencyKey` of `EnqueueOptions`: all messages with the same key cause one run. */
  readonly idempotencyKey?: ((message: Message<Data>) => string) | undefined
  /** Computes the key of the task; `undefined` gives it none. Default: the key of the message, so that its order is kept. */
  readonly key?: ((message: Message<Data>) => string | undefined) | undefined
}

export const routeOptionNames = keysOf<RouteOptions>()({
  concurrency: true,
  ordered: true,
  startFrom: true,
  retry: true,
  timeoutMs: true,
  onLastFailure: true,
  idempotencyKey: true,
  key: true,
})

export interface EnqueueOptions extends PublishOptions {
  /** Resolves to a handle that waits for the result. Default: false. */
  readonly reply?: boolean | undefined
  /**
   * All enqueues of this task with the same key get the same id, and one of them is run. They should have the same input. A key has at
   * most 255 bytes. It needs a store, and with `transaction` one that joins it. The key is free again after `idempotencyTtlMs`, or once the task has failed or was cancelled, or by
   * `TaskScheduler.forget`.
   */
  readonly idempotencyKey?: string | undefined
  /** How long the key stands for that id. Default: a day. */
  readonly idempotencyTtlMs?: number | undefined
  /** How long from now a run may begin. After that the task is dead-lettered with `MQ_TASK_EXPIRED`. Default: no limit. */
  readonly expiresAfterMs?: number | undefined
  /** The same as a point in time. It is compared with the clock of the worker's machine. Excludes `expiresAfterMs`. */
  readonly deadline?: Date | undefined
}

const publishOptionNames = {
  delayMs: true,
  at: true,
  headers: true,
  extensions: true,
  timeoutMs: true,
  signal: true,
} as const
const joinNames = { transaction: true } as const
const expiryNames = { expiresAfterMs: true, deadline: true } as const

export const enqueueOptionNames = keysOf<EnqueueOptions>()({
  id: true,
  key: true,
  ...publishOptionNames,
  ...joinNames,
  reply: true,
  idempotencyKey: true,
  idempotencyTtlMs: true,
  ...expiryNames,
})

/** A run cannot join a transaction, because it waits for a task that begins once that has committed. */
export interface RunOptions extends Omit<EnqueueOptions, 'reply' | 'timeoutMs' | 'transaction'> {
  /** How long the publish and the task may take together. Default: 30 s. */
  readonly timeoutMs?: number | undefined
}

export const runOptionNames = keysOf<RunOptions>()({
  id: true,
  key: true,
  ...publishOptionNames,
  idempotencyKey: true,
  idempotencyTtlMs: true,
  ...expiryNames,
})

/** The options of a list of tasks. Functions compute `id`, `key` and `idempotencyKey` from each input. */
export interface EnqueueAllOptions<Input = unknown>
  extends Omit<EnqueueOptions, 'id' | 'key' | 'idempotencyKey' | 'reply'> {
  readonly id?: ((input: Input, index: number) => string) | undefined
  readonly key?: string | ((input: Input, index: number) => string) | undefined
  readonly idempotencyKey?: ((input: Input, index: number) => string) | undefined
}

export const enqueueAllOptionNames = keysOf<EnqueueAllOptions>()({
  id: true,
  key: true,
  ...publishOptionNames,
  ...joinNames,
  idempotencyKey: true,
  idempotencyTtlMs: true,
  ...expiryNames,
})

/** A task that is stored. */
export interface EnqueuedTask extends PublishResult {
  /**
   * True if the `idempotencyKey` was held: `id` is that of the task that holds it. The message is published all the same, because the
   * process that claimed the key first may have died before its own publish. Workers run one of them.
   */
  readonly duplicate: boolean
}

/** The outcome of one task of `enqueueAll`. */
export type EnqueueOutcome =
  | { readonly status: 'stored'; readonly id: string; readonly routed: Routed; readonly duplicate: boolean }
  | { readonly status: 'rejected' | 'unknown'; readonly error: Error }
