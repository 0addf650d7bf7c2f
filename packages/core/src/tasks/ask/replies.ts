import { randomUUID } from 'node:crypto'
import type { ClockTimer } from '../../contract/clock.js'
import { MqError } from '../../contract/errors.js'
import type { Subscription } from '../../contract/handler.js'
import type { Message } from '../../contract/message.js'
import type { Queue } from '../../contract/queue.js'
import { decodeData } from '../../wire/codec.js'
import { finishedTaskOf } from '../finished-task.js'
import { stepOf } from '../progress.js'
import type { Records } from '../records.js'
import { isReplyFor, repliesTopic } from '../wire.js'
import { createPendingReply, type PendingReply } from './pending-reply.js'

export interface RepliesOptions {
  readonly queue: Queue
  readonly records: Records | undefined
  /** Names a task in the error of a reply that does not come, with the reason if it is known. */
  readonly describe: (taskName: string, id: string) => string
  /** How long a reply may take. */
  readonly timeoutMs: number
}

const maxPending = 10_000
/** A reply is lost while this process reconnects. With a store, checks find it all the same. */
const firstCheckMs = 1_000
const maxCheckMs = 10_000

/** How many tasks whose wait is over are kept, in case somebody asks for their result again. */
const maxLate = 10_000

interface Entry {
  readonly pending: PendingReply
  /** How many handles wait. */
  users: number
  /** How many calls of `result()` wait. */
  results: number
  readonly timers: Map<'expiry' | 'check', ClockTimer>
}

interface ExpectedReply {
  readonly id: string
  readonly taskName: string
  /** The delay of the task itself. */
  readonly delayMs: number
}

/** The wait of one handle. */
export interface Waiting {
  readonly pending: PendingReply
  /** Called around each wait for the result. A task for which the last wait came too late counts no longer. */
  beginResult(): void
  endResult(isLate: boolean): void
  /** Ends the wait for good. Only the first call counts. */
  release(): void
}

/**
 * Creates the part of a scheduler that waits for replies. They come over one ephemeral subscription, which the first caller opens.
 * See docs/decisions/0050-task-replies.md.
 */
export function createReplies({ queue, records, describe, timeoutMs }: RepliesOptions) {
  const { clock } = queue
  const instance = randomUUID()
  const entries = new Map<string, Entry>()
  /** Those of which every `result()` has timed out, the one that did so first at the front. They count no longer. */
  const late = new Set<Entry>()
  let opening: Promise<void> | undefined
  let subscription: Subscription | undefined
  let closed: MqError | undefined

  const remove = (entry: Entry): void => {
    for (const timer of entry.timers.values()) timer.cancel()
    late.delete(entry)
    const { id } = entry.pending
    if (entries.get(id) === entry) entries.delete(id)
  }
  const onReply = ({ data, extensions }: Message): void => {
    if (!isReplyFor(extensions, instance) || !(data instanceof Uint8Array)) return
    const reply = decodeData(data, 'application/json') as { id?: unknown; step?: unknown } | null
    const entry = typeof reply?.id === 'string' ? entries.get(reply.id) : undefined
    if (entry === undefined) return
    const step = stepOf(reply?.step)
    if (step !== undefined) entry.pending.step(step)
    const finished = finishedTaskOf(reply)
    if (finished === undefined) return
    remove(entry)
    entry.pending.complete(finished)
  }
  const listen = async (): Promise<void> => {
    subscription = await queue.subscribe(repliesTopic, onReply, { ephemeral: true, concurrency: 100 })
    if (closed === undefined) return
    await subscription.stop({ timeoutMs: 0 })
    throw closed
  }
  const checkStore = async (entry: Entry): Promise<void> => {
    const finished = await records?.finishedTaskOf(entry.pending.id).catch(() => undefined)
    if (finished === undefined) return
    remove(entry)
    entry.pending.complete(finished)
  }
  const scheduleCheck = (entry: Entry, afterMs: number): void => {
    const check = (): void => {
      void checkStore(entry).then(() => {
        if (entries.get(entry.pending.id) === entry) scheduleCheck(entry, Math.min(maxCheckMs, afterMs * 1.5))
      })
    }
    entry.timers.set('check', clock.setTimeout(check, afterMs))
  }
  const markLate = (entry: Entry): void => {
    if (entries.get(entry.pending.id) !== entry) return
    late.add(entry)
    const [oldest] = late
    if (late.size <= maxLate || oldest === undefined) return
    remove(oldest)
    const text = `No reply of ${oldest.pending.what()} in time; too many others wait for theirs`
    oldest.pending.fail(new MqError('MQ_TIMEOUT', text))
  }
  const failAll = (error: MqError): void => {
    for (const entry of [...entries.values()]) {
      remove(entry)
      entry.pending.fail(error)
    }
  }
  const stopListening = queue.on('state', ({ state }) => {
    if (state === 'connected') for (const entry of entries.values()) void checkStore(entry)
    if (state !== 'disconnecting' && state !== 'disconnected') return
    failAll(new MqError('MQ_CLOSED', 'The queue was disconnected before the reply came'))
  })

  return {
    instance,
    /** Resolves once every reply from now on arrives here. */
    async open(): Promise<void> {
      if (closed !== undefined) throw closed
      opening ??= listen().catch((error) => {
        opening = undefined
        throw error
      })
      await opening
    },
    /** Begins to wait. Call it before the task is published. */
    expect({ id, delayMs, taskName }: ExpectedReply): Waiting {
      if (closed !== undefined) throw closed
      let entry = entries.get(id)
      if (entry === undefined) {
        if (entries.size - late.size >= maxPending) {
          const advice = 'await or forget() earlier ones first'
          throw new MqError('MQ_BACKPRESSURE', `${maxPending} tasks wait for their reply; ${advice}`)
        }
        const made: Entry = {
          pending: createPendingReply({ id, what: () => describe(taskName, id) }),
          users: 0,
          results: 0,
          timers: new Map(),
        }
        entries.set(id, made)
        const expire = (): void => {
          remove(made)
          made.pending.fail(new MqError('MQ_TIMEOUT', `No reply of ${made.pending.what()} within ${timeoutMs} ms`))
        }
        made.timers.set('expiry', clock.setTimeout(expire, timeoutMs + delayMs))
        if (records !== undefined) scheduleCheck(made, firstCheckMs)
        entry = made
      }
      const used = entry
      used.users += 1
      late.delete(used)
      let isReleased = false
      return {
        pending: used.pending,
        beginResult() {
          used.results += 1
          late.delete(used)
        },
        endResult(isLate) {
          used.results -= 1
          if (isLate && used.results === 0) markLate(used)
        },
        release() {
          if (isReleased) return
          isReleased = true
          used.users -= 1
          if (used.users > 0) return
          remove(used)
          used.pending.fail(new MqError('MQ_CLOSED', `Nobody waits for the task ${id} any more`))
        },
      }
    },
    /** Checks the store at once, because the task may have ended. */
    async check(id: string): Promise<void> {
      const entry = entries.get(id)
      if (entry !== undefined) await checkStore(entry)
    },
    /** Rejects all waiting calls with `MQ_CLOSED`. Always resolves. */
    async close(): Promise<void> {
      closed ??= new MqError('MQ_CLOSED', 'The scheduler was stopped; make a new one')
      stopListening()
      failAll(new MqError('MQ_CLOSED', 'The scheduler was stopped before the reply came'))
      await subscription?.stop({ timeoutMs: 0 })
    },
  }
}
