import {
  createQueue,
  createScheduler,
  type EnqueuedTask,
  type EnqueueOptions,
  type EventDefinition,
  type Middleware,
  type PublishAllOptions,
  type PublishOptions,
  type PublishResult,
  type Queue,
  type Target,
  type Task,
  type TombstoneOptions,
  type Transaction,
} from '@mq/core'
import { Link } from '../connection/link.js'
import { createCommitWatch } from '../publish/commit-watch.js'
import { prepareTables } from '../topology/migrate.js'
import { outboxChannel } from '../topology/names.js'
import { createDeadRows, type OutboxDeadRows } from './dead-rows.js'
import { type OutboxOptions, outboxSettings } from './options.js'
import { type Relay, type RelayOptions, startRelay } from './relay.js'
import { type OutboxStats, statsOfOutbox } from './stats.js'
import { outboxWriter } from './writer.js'

/**
 * Messages that are written in a transaction of the application, and sent to a broker once that has committed. `docs/transactions.md` says
 * what happens when a process ends between any two steps.
 */
export interface Outbox extends AsyncDisposable {
  /** Makes or raises the tables. Rejects as the `connect` of a queue does. */
  connect(): Promise<void>
  /**
   * Writes a message in the transaction, as `Queue.publish` does otherwise. It counts once the transaction commits. If it rejects, the
   * transaction has to be rolled back.
   */
  publish<Input, Output>(
    transaction: Transaction,
    target: string | EventDefinition<Input, Output>,
    data: NoInfer<Input>,
    options?: Omit<PublishOptions, 'transaction'>,
  ): Promise<PublishResult>
  /** Writes a tombstone in the transaction, as `Queue.publishTombstone` does otherwise. */
  publishTombstone(
    transaction: Transaction,
    target: Target,
    key: string,
    options?: Omit<TombstoneOptions, 'transaction'>,
  ): Promise<PublishResult>
  /** Writes a list of messages in the transaction, in its order: all of them or none. */
  publishAll<Input, Output>(
    transaction: Transaction,
    target: string | EventDefinition<Input, Output>,
    data: readonly NoInfer<Input>[],
    options?: Omit<PublishAllOptions<NoInfer<Input>>, 'transaction'>,
  ): Promise<readonly PublishResult[]>
  /** Writes one run of a task in the transaction. Tasks with the same `id` are one to a broker that ignores a repeated id, and to the inbox. */
  enqueue<Input, Result, Enqueued = Input>(
    transaction: Transaction,
    task: Task<Input, Result, Enqueued>,
    input: NoInfer<Enqueued>,
    options?: Omit<EnqueueOptions, 'transaction' | 'reply' | 'idempotencyKey' | 'idempotencyTtlMs'>,
  ): Promise<EnqueuedTask>
  /** Adds middleware, whose `publish` runs when a message is written. The relay runs none. */
  use(middleware: Middleware): void
  /**
   * Sends what was committed to a queue, until it is stopped. Any number of processes may do so: one of them sends at a time, and another
   * goes on within 5 s if it ends.
   */
  relay(queue: Queue, options?: RelayOptions): Promise<Relay>
  /** Counts what waits. */
  stats(): Promise<OutboxStats>
  /** The messages that the broker has refused for good. */
  readonly dead: OutboxDeadRows
  /** Stops its relays, and closes its connections. Always resolves, and may be called twice. */
  disconnect(options?: { readonly timeoutMs?: number | undefined }): Promise<void>
}

/**
 * Creates an outbox in PostgreSQL 13 or newer. It is not connected yet. Throws a `TypeError`, `MQ_INVALID_URL` or `MQ_INVALID_OPTION`.
 */
export function createOutbox(options: OutboxOptions = {}): Outbox {
  const settings = outboxSettings(options)
  const wakers = new Set<() => void>()
  const relays = new Set<Relay>()
  const link = new Link(settings, {
    async prepare(connection) {
      await prepareTables(connection, settings)
      if (!settings.listen) return
      connection.onNotification(() => {
        for (const wake of wakers) wake()
      })
      await connection.query(`LISTEN "${outboxChannel(settings.schema)}"`)
    },
  })
  /** Tells relays of new messages. Without it they find them by their next look. */
  function announce(): void {
    if (!settings.listen) for (const wake of wakers) wake()
    else void link.query('SELECT pg_notify($1, $2)', [outboxChannel(settings.schema), '']).catch(() => {})
  }
  const writer = outboxWriter(settings, createCommitWatch(link, announce))
  const queue = createQueue(writer, options.source === undefined ? {} : { source: options.source })
  const scheduler = createScheduler(queue)

  const outbox: Outbox = {
    async connect() {
      if (!link.isUp) await link.open()
      await queue.connect()
    },
    publish: (transaction, target, data, given = {}) => queue.publish(target, data, { ...given, transaction }),
    publishTombstone: (transaction, target, key, given = {}) =>
      queue.publishTombstone(target, key, { ...given, transaction }),
    publishAll: (transaction, target, data, given = {}) => queue.publishAll(target, data, { ...given, transaction }),
    enqueue: (transaction, task, input, given = {}) => scheduler.enqueue(task, input, { ...given, transaction }),
    use: (middleware) => void queue.use(middleware),
    async relay(target, given = {}) {
      await outbox.connect()
      const relay = startRelay(target, {
        options: given,
        settings,
        link,
        log: target.log,
        onWake(listener) {
          wakers.add(listener)
          return () => void wakers.delete(listener)
        },
      })
      relays.add(relay)
      return relay
    },
    stats: () => statsOfOutbox(link.consuming, settings),
    dead: createDeadRows(link.consuming, settings, announce),
    async disconnect({ timeoutMs } = {}) {
      await Promise.all([...relays].map((relay) => relay.stop({ timeoutMs })))
      await scheduler.stop({ timeoutMs: 0 })
      await queue.disconnect({ timeoutMs })
      link.close()
    },
    [Symbol.asyncDispose]: () => outbox.disconnect(),
  }
  return outbox
}
