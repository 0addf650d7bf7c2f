import { randomUUID } from 'node:crypto'
import { withTimeout } from '../../adapter-kit/with-timeout.js'
import { refuseUnknown, requireOptions } from '../../contract/checks/options.js'
import { requireBoolean, requireDuration, requireTime } from '../../contract/checks/values.js'
import { isMqError, MqError } from '../../contract/errors.js'
import type { EventDefinition } from '../../contract/event.js'
import { requireShortText } from '../../contract/names.js'
import type { PublishOptions } from '../../contract/publish-options.js'
import type { Queue } from '../../contract/queue.js'
import { type RunStatement, runnerOf } from '../../contract/transaction.js'
import type { KeyHolder, Records } from '../records.js'
import { storeRequired } from '../require-store.js'
import { eventOf, type Task } from '../task.js'
import { type EnqueuedTask, type EnqueueOptions, enqueueOptionNames } from '../task-options.js'
import { type Ask, askExtensions, defaultOnceMs, workersGroup } from '../wire.js'

/** A task whose options are checked and whose id is known. */
export interface PreparedTask {
  readonly id: string
  readonly delayMs: number
  /** Declares the group of the workers, then publishes the task. So it waits even if no worker exists yet. */
  send(replyTo?: string): Promise<EnqueuedTask>
}

export interface EnqueuerParts {
  readonly queue: Queue
  readonly records: Records | undefined
  /** Returns the records within a transaction, or undefined if their store cannot join one. */
  readonly recordsWithin: (transaction: RunStatement) => Records | undefined
}

/** Creates the part of a scheduler that enqueues tasks. */
export function createEnqueuer(parts: EnqueuerParts) {
  const { queue } = parts
  const declared = new Map<string, Promise<void>>()

  /** Declares the group once for each task, and again after it failed. */
  function declareWorkers(topic: string): Promise<void> {
    const found = declared.get(topic)
    if (found !== undefined) return found
    const declaring = queue.declareGroup(topic, workersGroup)
    declared.set(topic, declaring)
    declaring.catch(() => declared.delete(topic))
    return declaring
  }
  async function requireWorkers(topic: string, timeoutMs: number | undefined): Promise<void> {
    const declaring = declareWorkers(topic)
    const late = (): MqError => new MqError('MQ_TIMEOUT', `Over ${timeoutMs} ms`)
    try {
      await (timeoutMs === undefined ? declaring : withTimeout(declaring, timeoutMs, late))
    } catch (cause) {
      if (isMqError(cause, 'MQ_NOT_CONNECTED') || isMqError(cause, 'MQ_CLOSED')) throw cause
      throw new MqError('MQ_PUBLISH_REJECTED', `Not sent: the group of its workers cannot be declared`, { cause })
    }
  }
  const deadlineOf = ({ deadline, expiresAfterMs }: EnqueueOptions, delayMs: number): number | undefined => {
    if (deadline === undefined && expiresAfterMs === undefined) return undefined
    if (deadline !== undefined && expiresAfterMs !== undefined) {
      throw new MqError('MQ_INVALID_OPTION', 'deadline and expiresAfterMs exclude each other')
    }
    const now = queue.clock.now()
    const at =
      deadline === undefined
        ? now + requireDuration(expiresAfterMs, 'expiresAfterMs', 1)
        : requireTime(deadline, 'deadline')
    if (at > now + delayMs) return at
    throw new MqError('MQ_INVALID_OPTION', 'The deadline of the task is over before it may begin')
  }

  return {
    /** With `keepsKey` the idempotency key is not freed if the task fails or is cancelled. */
    async prepare(
      task: Task,
      input: unknown,
      options: EnqueueOptions = {},
      { keepsKey = false }: { readonly keepsKey?: boolean } = {},
    ): Promise<PreparedTask> {
      requireOptions(options, 'The options of enqueue')
      refuseUnknown(options, enqueueOptionNames, 'enqueue')
      const { reply, idempotencyKey, idempotencyTtlMs, deadline: _, expiresAfterMs: __, ...given } = options
      const event = eventOf(task)
      if (reply !== undefined) requireBoolean(reply, 'reply')
      const delayMs = delayOf(given, queue)
      const deadline = deadlineOf(options, delayMs)
      const records = recordsFor(options)
      const once = await onceOf(task, options, records)
      const id = once?.id ?? given.id ?? randomUUID()
      return {
        id,
        delayMs,
        async send(replyTo) {
          await requireWorkers(event.name, given.timeoutMs)
          const ask: Ask = {
            ...(replyTo !== undefined && { replyTo }),
            ...(deadline !== undefined && { deadline }),
            ...(once !== undefined && { once: { copy: randomUUID(), ttlMs: once.ttlMs } }),
          }
          const extensions = { ...given.extensions, ...askExtensions(ask) }
          if (once !== undefined && !keepsKey) await records?.noteKey(id, { task: task.name, ...once })
          // The connection of a transaction runs one statement at a time.
          if (given.transaction !== undefined) await records?.begin(id)
          const publishing = queue.publish(event as EventDefinition, input, { ...given, id, extensions })
          const beginning = given.transaction === undefined ? records?.begin(id) : undefined
          try {
            const stored = await publishing
            await beginning
            return { ...stored, duplicate: once?.isDuplicate ?? false }
          } catch (error) {
            const isOwn = once === undefined && given.id === undefined
            // A transaction takes it back by itself.
            if (isOwn && !isMqError(error, 'MQ_PUBLISH_UNKNOWN')) await beginning?.then(() => records?.abandon(id))
            throw error
          }
        },
      }
    },
  }

  /** A store that cannot join the transaction must not say that a task waits, because the transaction may be rolled back. */
  function recordsFor({ transaction, idempotencyKey }: EnqueueOptions): Records | undefined {
    if (transaction === undefined || parts.records === undefined) return parts.records
    const joined = parts.recordsWithin(runnerOf(transaction))
    if (joined === undefined && idempotencyKey !== undefined) {
      const why = "the store of the scheduler has no 'within', so it cannot claim the key in the same transaction"
      throw new MqError('MQ_NOT_SUPPORTED', `An idempotencyKey cannot be used with a transaction: ${why}`)
    }
    return joined
  }

  async function onceOf(
    task: Task,
    { idempotencyKey, idempotencyTtlMs, id }: Pick<EnqueueOptions, 'idempotencyKey' | 'idempotencyTtlMs' | 'id'>,
    records: Records | undefined,
  ): Promise<(KeyHolder & { readonly key: string; readonly ttlMs: number }) | undefined> {
    if (idempotencyKey === undefined) {
      if (idempotencyTtlMs === undefined) return undefined
      throw new MqError('MQ_INVALID_OPTION', 'idempotencyTtlMs goes with an idempotencyKey')
    }
    requireShortText(idempotencyKey, 'idempotencyKey')
    const ttlMs = Math.ceil(requireDuration(idempotencyTtlMs ?? defaultOnceMs, 'idempotencyTtlMs', 1))
    if (records === undefined) throw storeRequired('An idempotencyKey')
    const proposed = id === undefined ? randomUUID() : requireShortText(id, 'id')
    const proposal = { id: proposed, ttlMs, isChosen: id !== undefined }
    return { ...(await records.holderOf(task.name, idempotencyKey, proposal)), key: idempotencyKey, ttlMs }
  }
}

function delayOf({ delayMs, at }: PublishOptions, { clock }: Queue): number {
  if (delayMs !== undefined) return requireDuration(delayMs, 'delayMs')
  return at === undefined ? 0 : Math.max(0, requireTime(at, 'at') - clock.now())
}
