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
  /** How long a reply is waited for at most. */
  readonly timeoutMs: number
}

const maxPending = 10_000
/** A reply is lost when its asker is being connected again; with a store the outcome is found all the same. */
const firstLookMs = 1_000
const longestLookMs = 10_000

interface Entry {
  readonly pending: PendingReply
  /** Handles that wait. */
  users: number
  readonly timers: Map<'expiry' | 'look', ClockTimer>
}

/** The replies that this instance waits for, over one subscription that is opened when the first is asked for. */
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
  const hear = ({ data, extensions }: Message): void => {
    if (!isReplyFor(extensions, instance) || !(data instanceof Uint8Array)) return
    const reply = decodeData(data, 'application/json') as { id?: unknown; step?: unknown } | null
    const entry = typeof reply?.id === 'string' ? entries.get(reply.id) : undefined
    if (entry === undefined) return
    const step = stepOf(reply?.step)
    if (step !== undefined) entry.pending.step(step)
    const outcome = finishedTaskOf(reply)
    if (outcome === undefined) return
    remove(entry)
    entry.pending.end(outcome)
  }
  const listen = async (): Promise<void> => {
    subscription = await queue.subscribe(repliesTopic, hear, { ephemeral: true, concurrency: 100 })
    if (closed === undefined) return
    await subscription.stop({ timeoutMs: 0 })
    throw closed
  }
  const look = async (entry: Entry): Promise<void> => {
    const outcome = await records?.finishedTaskOf(entry.pending.id).catch(() => undefined)
    if (outcome === undefined) return
    remove(entry)
    entry.pending.end(outcome)
  }
  const lookAfter = (entry: Entry, afterMs: number): void => {
    const again = (): void => {
      void look(entry).then(() => {
        if (entries.get(entry.pending.id) === entry) lookAfter(entry, Math.min(longestLookMs, afterMs * 1.5))
      })
    }
    entry.timers.set('look', clock.setTimeout(again, afterMs))
  }
  const failAll = (error: MqError): void => {
    for (const entry of [...entries.values()]) {
      remove(entry)
      entry.pending.fail(error)
    }
  }
  const unlisten = queue.on('state', ({ state }) => {
    if (state === 'connected') for (const entry of entries.values()) void look(entry)
    if (state !== 'disconnecting' && state !== 'disconnected') return
    failAll(new MqError('MQ_CLOSED', 'The queue was disconnected before the reply came'))
  })

  return {
    instance,
    /** Resolves once no reply can be missed. */
    async open(): Promise<void> {
      if (closed !== undefined) throw closed
      opening ??= listen().catch((error) => {
        opening = undefined
        throw error
      })
      await opening
    },
    /** To be called before the task is published. `delayMs` is how long it will wait by its own wish. */
    expect(id: string, delayMs: number): { readonly pending: PendingReply; leave(): void } {
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
        if (records !== undefined) lookAfter(made, firstLookMs)
        entry = made
      }
      const used = entry
      used.users += 1
      return {
        pending: used.pending,
        leave() {
          used.users -= 1
          if (used.users > 0) return
          remove(used)
          used.pending.fail(new MqError('MQ_CLOSED', `Nobody waits for the task ${id} any more`))
        },
      }
    },
    /** Looks in the store at once: something has happened to the task. */
    async look(id: string): Promise<void> {
      const entry = entries.get(id)
      if (entry !== undefined) await look(entry)
    },
    /** Always resolves. Whoever waits is told so. */
    async close(): Promise<void> {
      closed ??= new MqError('MQ_CLOSED', 'The scheduler was stopped; make a new one')
      unlisten()
      failAll(new MqError('MQ_CLOSED', 'The scheduler was stopped before the reply came'))
      await subscription?.stop({ timeoutMs: 0 })
    },
  }
}
