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
  /** How long a reply may take. */
  readonly timeoutMs: number
}

const maxPending = 10_000
/** A reply is lost while this process reconnects. With a store, checks find it all the same. */
const firstCheckMs = 1_000
const maxCheckMs = 10_000

interface Entry {
  readonly pending: PendingReply
  /** How many handles wait. */
  users: number
  readonly timers: Map<'expiry' | 'check', ClockTimer>
}

/**
 * Creates the part of a scheduler that waits for replies. They come over one ephemeral subscription, which the first caller opens.
 * See docs/decisions/0050-task-replies.md.
 */
export function createReplies({ queue, records, timeoutMs }: RepliesOptions) {
  const { clock } = queue
  const instance = randomUUID()
  const entries = new Map<string, Entry>()
  let opening: Promise<void> | undefined
  let subscription: Subscription | undefined
  let closed: MqError | undefined

  const remove = (entry: Entry): void => {
    for (const timer of entry.timers.values()) timer.cancel()
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
    /** Begins to wait. Call it before the task is published. `delayMs` is the delay of the task itself. */
    expect(id: string, delayMs: number): { readonly pending: PendingReply; release(): void } {
      if (closed !== undefined) throw closed
      let entry = entries.get(id)
      if (entry === undefined) {
        if (entries.size >= maxPending) {
          throw new MqError('MQ_BACKPRESSURE', `${maxPending} tasks wait for their reply; await earlier ones first`)
        }
        const made: Entry = { pending: createPendingReply(id), users: 0, timers: new Map() }
        entries.set(id, made)
        const expire = (): void => {
          remove(made)
          made.pending.fail(new MqError('MQ_TIMEOUT', `No reply of the task ${id} within ${timeoutMs} ms`))
        }
        made.timers.set('expiry', clock.setTimeout(expire, timeoutMs + delayMs))
        if (records !== undefined) scheduleCheck(made, firstCheckMs)
        entry = made
      }
      const used = entry
      used.users += 1
      return {
        pending: used.pending,
        release() {
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
