import { type GroupPause, type GroupRef, MqError, type StoreOutcome } from '@mq/core/adapter'
import type { ChannelModel } from 'amqplib'
import { persistently } from '../connection/persistently.js'
import type { Letter } from '../publish/parcel.js'
import type { Namespace } from '../topology/names.js'
import { encodeSignal, keyOf, type Signal } from './mark.js'
import { countMarks, type HeldMarks, withMarks } from './mark-queue.js'

// See docs/decisions/0037-rabbitmq-pauses.md.

export interface MarksParts {
  readonly names: Namespace
  readonly connection: () => Promise<ChannelModel>
  /** Stores a message, and resolves with its outcome within the time given. */
  readonly send: (letter: Letter, timeoutMs: number) => Promise<StoreOutcome>
}

/** The most groups that can be paused at the same time. */
const maxPaused = 1_000

/** How long storing a mark or a signal may take, and replacing a mark that was read often. */
const sendMs = 8_000
const renewMs = 2_000

/** How many marks one reader replaces. */
const maxRenewed = 16

/** Creates the marks of paused groups at the broker. */
export function createMarks({ names, connection, send }: MarksParts) {
  const markLetter = (signal: Signal): Letter => letterTo({ exchange: '', routingKey: names.paused }, signal)
  const signalLetter = (signal: Signal): Letter => letterTo({ exchange: names.signals, routingKey: '' }, signal)

  async function store(letter: Letter, what: string): Promise<void> {
    const { status, error } = await send(letter, sendMs)
    if (status !== 'stored') throw error ?? new MqError('MQ_OPERATION_FAILED', `${what} failed: it was not stored`)
  }

  /** Replaces the marks that the broker might drop, because they were delivered often. */
  async function renew({ marks, remove }: HeldMarks): Promise<void> {
    for (const held of marks.filter(({ isWorn }) => isWorn).slice(0, maxRenewed)) {
      if (held.mark === undefined) continue
      const { status } = await send(markLetter(held.mark), renewMs)
      if (status !== 'stored') return
      remove(held)
    }
  }

  const on = <T>(what: string, work: (connection: ChannelModel) => Promise<T>): Promise<T> =>
    persistently(what, async () => await work(await connection()))

  /** Removes the mark of a group. Resolves with false if there was none. */
  const removeOnce = (ref: GroupRef, what: string): Promise<boolean> =>
    on(what, async (used) => {
      if ((await countMarks(used, names)) === 0) return false
      return await withMarks(used, names, async ({ marks, remove }) => {
        const own = marks.filter(({ mark }) => mark !== undefined && keyOf(mark) === keyOf(ref))
        for (const held of own) remove(held)
        if (own.length === 0) return false
        await store(signalLetter({ ...ref, paused: undefined }), what)
        return true
      })
    })

  return {
    /** Resolves with the number of messages that hold marks, or with undefined while somebody reads them. */
    count: (used: ChannelModel): Promise<number | undefined> => countMarks(used, names),
    /** Resolves with the marks of all groups that are paused. */
    async all(used: ChannelModel): Promise<ReadonlyMap<string, GroupPause>> {
      if ((await countMarks(used, names)) === 0) return new Map()
      return await withMarks(used, names, async (held) => {
        await renew(held)
        return new Map(
          held.marks.flatMap(({ mark }) => (mark === undefined ? [] : [[keyOf(mark), mark.paused] as const])),
        )
      })
    },
    /** Stores the mark of a group, unless it has one. */
    async pause({ topic, group }: GroupRef, paused: GroupPause): Promise<void> {
      const what = `Pausing the group '${group}'`
      await on(what, (used) =>
        withMarks(used, names, async ({ marks }) => {
          const known = marks.find(({ mark }) => mark?.topic === topic && mark.group === group)?.mark
          // Once more, as the process that stored it may have died before it told others.
          if (known !== undefined) return await store(signalLetter(known), what)
          if (marks.length >= maxPaused) {
            throw new MqError(
              'MQ_NOT_SUPPORTED',
              `${maxPaused} groups are paused, and rabbitmq pauses no more at a time`,
            )
          }
          const signal = { topic, group, paused }
          await store(markLetter(signal), what)
          await store(signalLetter(signal), what)
        }),
      )
    },
    /** Removes the mark of a group, and looks once more, because the broker may have forgotten that it was removed. */
    async resume({ topic, group }: GroupRef): Promise<void> {
      const ref = { topic, group }
      for (let isRemoved = true; isRemoved; ) isRemoved = await removeOnce(ref, `Resuming the group '${group}'`)
    },
  }
}

export type Marks = ReturnType<typeof createMarks>

const letterTo = (to: Pick<Letter, 'exchange' | 'routingKey'>, signal: Signal): Letter => ({
  ...to,
  need: {},
  content: encodeSignal(signal),
  properties: { contentType: 'application/json', persistent: true, mandatory: true },
})
