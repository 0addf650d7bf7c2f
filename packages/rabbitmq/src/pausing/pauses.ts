import { randomUUID } from 'node:crypto'
import type { GroupPause, GroupRef } from '@mq/core/adapter'
import type { Channel, ChannelModel } from 'amqplib'
import { onChannel } from '../connection/channels.js'
import { persistently } from '../connection/persistently.js'
import type { PauseGate } from '../consume/pause-gate.js'
import type { Namespace } from '../topology/names.js'
import { declareMarks, declareSignals } from '../topology/topology.js'
import { decodeSignal, keyOf } from './mark.js'
import type { Marks } from './marks.js'

// See docs/decisions/0037-rabbitmq-pauses.md.

export interface PausesParts {
  readonly names: Namespace
  readonly connection: () => Promise<ChannelModel>
  readonly marks: Pick<Marks, 'all' | 'count'>
}

/** How often a process with consumers asks for changes. */
const everyMs = 1_000

/** How many times it asks until it compares the number of marks, because a process may die before it has told others. */
const compareEvery = 5

/** Creates what one process knows about paused groups: the marks at the broker, and what it was told since it has read them. */
export function createPauses({ names, connection, marks }: PausesParts) {
  const listeners = new Set<() => void>()
  let paused: ReadonlyMap<string, GroupPause> = new Map()
  /** The number of messages that hold the marks, as far as this process knows. */
  let count = 0
  /** The queue in which this process is told, and whether the marks were read since. */
  let told: { readonly connection: ChannelModel; readonly queue: string; isRead: boolean } | undefined
  let rounds = 0
  let timer: NodeJS.Timeout | undefined

  function set(next: ReadonlyMap<string, GroupPause>): void {
    paused = next
    for (const listener of listeners) listener()
  }

  /** Reads all marks. The queue for changes comes first, so that none is missed. */
  async function load(used: ChannelModel): Promise<void> {
    if (told?.connection !== used) told = { connection: used, queue: names.signal(randomUUID()), isRead: false }
    const now = told
    await onChannel(used, 'Looking for paused groups', async (channel) => {
      await declareMarks(channel, names)
      await declareSignals(channel, names, now.queue)
    })
    await reload(used)
    now.isRead = true
  }

  async function reload(used: ChannelModel): Promise<void> {
    const found = await marks.all(used)
    count = (await marks.count(used)) ?? found.size
    set(found)
  }

  /** Takes the changes that have come, and only then acts upon them: a group may have been paused and resumed meanwhile. */
  async function takeChanges(channel: Channel, queue: string): Promise<void> {
    const next = new Map(paused)
    for (;;) {
      const message = await channel.get(queue, { noAck: true })
      if (message === false) break
      const signal = decodeSignal(message.content)
      if (signal === undefined) continue
      const key = keyOf(signal)
      if (signal.paused !== undefined) next.set(key, signal.paused)
      else next.delete(key)
    }
    if (next.size === paused.size && [...next].every(([key, mark]) => paused.get(key) === mark)) return
    count += next.size - paused.size
    set(next)
  }

  async function update(): Promise<void> {
    const used = await connection()
    if (told?.connection !== used || !told.isRead) return await load(used)
    const now = told
    try {
      await onChannel(used, 'Asking for paused groups', (channel) => takeChanges(channel, now.queue))
    } catch (error) {
      // An operator may have deleted its queue, with the changes in it.
      now.isRead = false
      throw error
    }
  }

  const sync = oneAtATime(update)

  async function compare(): Promise<void> {
    if (told?.isRead !== true) return
    const now = await marks.count(told.connection)
    // The exchange for changes may have been deleted, too.
    if (now !== undefined && now !== count) await load(told.connection)
  }

  function round(): void {
    rounds += 1
    const isDue = rounds % compareEvery === 0
    // Without an answer it asks again. Others report what is wrong with the connection.
    void sync()
      .then(() => (isDue ? compare() : undefined))
      .catch(() => undefined)
  }

  const known = (what: string): Promise<ReadonlyMap<string, GroupPause>> =>
    persistently(what, async () => {
      await sync()
      return paused
    })

  return {
    /** Resolves with the marks of all groups, by topic and group with a space between them. */
    all: (): Promise<ReadonlyMap<string, GroupPause>> => known('Looking for paused groups'),
    /** Resolves with the mark of a group as it is now. */
    of: async (ref: GroupRef): Promise<GroupPause | undefined> =>
      (await known(`Looking whether '${ref.group}' is paused`)).get(keyOf(ref)),
    /** Creates the gate of a consumer. */
    gate(ref: GroupRef): PauseGate {
      const key = keyOf(ref)
      return {
        get paused() {
          return paused.get(key)
        },
        async ready() {
          const isKnown = told?.isRead === true && told.connection === (await connection())
          if (!isKnown) await known('Looking for paused groups')
        },
        onChange(listener) {
          let last = paused.get(key)
          const own = (): void => {
            if (paused.get(key) === last) return
            last = paused.get(key)
            listener()
          }
          listeners.add(own)
          timer ??= setInterval(round, everyMs).unref()
          return () => {
            listeners.delete(own)
            if (listeners.size > 0) return
            clearInterval(timer)
            timer = undefined
          }
        },
      }
    },
  }
}

/** Runs the work once at a time. A call during a run waits for the next one, which sees what has happened until the call. */
function oneAtATime(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined
  function start(): Promise<void> {
    running = work().finally(() => {
      running = undefined
    })
    return running
  }
  return () => {
    if (running === undefined) return start()
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = undefined
        return start()
      })
    return next
  }
}
