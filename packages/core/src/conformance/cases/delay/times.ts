import assert from 'node:assert/strict'
import type { ConformanceCase } from '../../kit/case.js'
import { range, rejection, sorted } from '../../kit/expect.js'
import { assertNeverEarly, assertPunctual, patience, withoutDelays } from '../../kit/timing.js'

/** Tests when a delayed message arrives. */
export const delayTimes: readonly ConformanceCase[] = [
  {
    id: 'DLY-1',
    title: '300 messages with different delays are never early, lost or delivered twice',
    promises: [7],
    level: 'required',
    unless: withoutDelays,
    timeoutMs: 60_000,
    async run(kit) {
      const queue = await kit.queue()
      const collector = await kit.collect(queue, kit.topic(), { concurrency: 50 })
      const delays = range(300).map((index) => (index < 5 ? index : Math.floor(kit.random() * 1_500)))
      const sentAt: number[] = []
      const publish = async (index: number): Promise<void> => {
        sentAt[index] = Date.now()
        await queue.publish(kit.topic(), index, { id: `m-${index}`, delayMs: delays[index] ?? 0 })
      }
      // Only a few at a time, because a publish that waits for others would hide an early message.
      for (const first of range(15)) await Promise.all(range(20).map((index) => publish(20 * first + index)))
      await kit.until(
        () => `300 messages; ${collector.handled.length} came`,
        () => collector.handled.length >= 300,
        patience(kit, 1_500),
      )
      await kit.quiet(() => collector.runs.length)
      assert.deepEqual(sorted(collector.ids), sorted(delays.map((_, index) => `m-${index}`)))
      const indexes = collector.runs.map(({ data }) => data as number)
      assertNeverEarly(
        collector.runs.map(({ startedAt, data }) => startedAt - (sentAt[data as number] ?? Number.NaN)),
        indexes.map((index) => delays[index] ?? Number.NaN),
      )
    },
  },
  {
    id: 'DLY-2',
    title: 'a delayed message is at most delayResolutionMs plus one second late on an idle broker',
    promises: [7],
    level: 'required',
    unless: withoutDelays,
    alone: true,
    timeoutMs: 60_000,
    async run(kit) {
      const queue = await kit.queue()
      const collector = await kit.collect(queue, kit.topic())
      await queue.publish(kit.topic(), 0)
      await kit.until('a message that is not delayed', () => collector.handled.length >= 1)
      const delays = [900, 100, 700, 350, 550, 200, 800]
      const dueAt = new Map<string, number>()
      for (const delayMs of delays) {
        const { id } = await queue.publish(kit.topic(), delayMs, { delayMs })
        dueAt.set(id, Date.now() + delayMs)
      }
      await kit.until('the delayed messages', () => collector.handled.length >= 8, patience(kit, 900))
      const delayed = collector.runs.filter(({ id }) => dueAt.has(id))
      assertPunctual(
        delayed.map(({ id, startedAt }) => startedAt - (dueAt.get(id) ?? Number.NaN)),
        kit.capabilities,
      )
    },
  },
  {
    id: 'DLY-3',
    title:
      'messages with short delays arrive before earlier ones with long delays, and messages without a delay before both',
    promises: [7],
    level: 'required',
    unless: withoutDelays,
    timeoutMs: 60_000,
    async run(kit) {
      const queue = await kit.queue()
      const collector = await kit.collect(queue, kit.topic(), { concurrency: 50 })
      // The delays are far apart, so that a busy machine does not change the order.
      const shortMs = 500 + kit.capabilities.delayResolutionMs
      const longMs = shortMs + 1_000 + 2 * kit.capabilities.delayResolutionMs
      const publish = (kind: string, delayMs: number) =>
        Promise.all(range(20).map(() => queue.publish(kit.topic(), kind, { delayMs })))
      await publish('long', longMs)
      await publish('short', shortMs)
      await publish('none', 0)
      await kit.until('all messages', () => collector.handled.length >= 60, patience(kit, longMs))
      await kit.quiet(() => collector.runs.length)
      assert.deepEqual(
        collector.runs.map(({ data }) => data),
        ['none', 'short', 'long'].flatMap((kind) => range(20).map(() => kind)),
      )
    },
  },
  {
    id: 'DLY-4',
    title: 'a message for a past time arrives at once, and one for a future time not before it',
    promises: [7],
    level: 'required',
    unless: withoutDelays,
    async run(kit) {
      const queue = await kit.queue()
      const collector = await kit.collect(queue, kit.topic())
      const at = new Date(Date.now() + 3_000)
      await queue.publish(kit.topic(), 'future', { id: 'future', at })
      await queue.publish(kit.topic(), 'past', { id: 'past', at: new Date(0) })
      await kit.until('both messages', () => collector.handled.length >= 2, patience(kit, 3_000))
      await kit.quiet(() => collector.runs.length)
      assert.deepEqual(collector.ids, ['past', 'future'])
      const early = at.getTime() - (collector.runs[1]?.startedAt ?? Number.NaN)
      assert.ok(early <= 0, `the message arrived ${early} ms before its time`)
    },
  },
  {
    id: 'DLY-5',
    title: 'a delay over maxDelayMs is refused, and a delay of maxDelayMs is accepted',
    promises: [7],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue()
      const { maxDelayMs } = kit.capabilities
      const collector = await kit.collect(queue, kit.topic())
      const beyond = maxDelayMs + 1
      // No broker needs a delay over a year.
      const codes = ['MQ_NOT_SUPPORTED', 'MQ_INVALID_OPTION'] as const
      await rejection(queue.publish(kit.topic(), 1, { delayMs: beyond }), ...codes)
      await rejection(queue.publish(kit.topic(), 1, { at: new Date(Date.now() + beyond + 60_000) }), ...codes)
      await queue.publish(kit.topic(), 'longest', { delayMs: maxDelayMs })
      await queue.publish(kit.topic(), 'next', { id: 'next' })
      await kit.until('the next message', () => collector.ids.includes('next'))
      await kit.quiet(() => collector.runs.length)
      if (withoutDelays(kit.capabilities) === undefined) assert.deepEqual(collector.ids, ['next'])
    },
  },
]
