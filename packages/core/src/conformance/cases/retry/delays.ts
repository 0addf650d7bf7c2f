import assert from 'node:assert/strict'
import { RetryLater } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import { range } from '../../kit/expect.js'
import {
  assertNeverEarly,
  assertPunctual,
  attemptsOf,
  gapsOf,
  patience,
  runsOf,
  withoutDelays,
} from '../../kit/timing.js'

/** Tests when a message runs again. */
export const retryDelays: readonly ConformanceCase[] = [
  {
    id: 'RET-7',
    title: 'no attempt starts before its backoff is over, and each backoff is longer than the last',
    promises: [5],
    level: 'required',
    unless: withoutDelays,
    timeoutMs: 60_000,
    async run(kit) {
      const queue = await kit.queue()
      const delays = [0, 150, 400, 2_000]
      const collector = await kit.collect(queue, kit.topic(), {
        retry: { attempts: 5, backoff: (attempt) => delays[attempt - 1] ?? 0 },
        handler: () => {
          throw new Error('again')
        },
      })
      const ids = range(10).map((number) => `m-${number}`)
      for (const id of ids) await queue.publish(kit.topic(), id, { id })
      await kit.until('five attempts of each', () => collector.runs.length >= 50, patience(kit, 2_550, 4))
      await kit.quiet(() => collector.runs.length)
      for (const id of ids) {
        const runs = runsOf(collector.runs, id)
        assert.deepEqual(attemptsOf(runs), [1, 2, 3, 4, 5])
        assertNeverEarly(gapsOf(runs), delays)
      }
    },
  },
  {
    id: 'RET-8',
    title: 'an attempt starts at most delayResolutionMs plus one second late',
    promises: [5],
    level: 'required',
    unless: withoutDelays,
    alone: true,
    timeoutMs: 60_000,
    async run(kit) {
      const queue = await kit.queue()
      const delays = [50, 300, 600]
      const collector = await kit.collect(queue, kit.topic(), {
        retry: { attempts: 4, backoff: (attempt) => delays[attempt - 1] ?? 0 },
        handler: ({ attempt }) => {
          if (attempt < 4) throw new Error('again')
        },
      })
      const ids = ['a', 'b', 'c']
      for (const id of ids) await queue.publish(kit.topic(), id, { id })
      await kit.until('the last attempts', () => collector.handled.length >= 3, patience(kit, 950, 3))
      const late = ids.flatMap((id) => {
        const gaps = gapsOf(runsOf(collector.runs, id))
        assertNeverEarly(gaps, delays)
        return gaps.map((gap, index) => gap - (delays[index] ?? 0))
      })
      assertPunctual(late, kit.capabilities)
    },
  },
  {
    id: 'RET-9',
    title: 'RetryLater sets a delay longer or shorter than that of the policy, and counts as an attempt',
    promises: [5],
    level: 'required',
    unless: withoutDelays,
    async run(kit) {
      const queue = await kit.queue()
      const later = await kit.collect(queue, kit.topic('later'), {
        handler: ({ attempt }) => {
          if (attempt === 1) throw new RetryLater({ afterMs: 1_000 })
        },
      })
      const sooner = await kit.collect(queue, kit.topic('sooner'), {
        retry: { delayMs: 120_000 },
        handler: ({ attempt }) => {
          if (attempt === 1) throw new RetryLater({ afterMs: 100 })
        },
      })
      await queue.publish(kit.topic('later'), 1)
      await queue.publish(kit.topic('sooner'), 1)
      await kit.until('both messages', () => later.handled.length + sooner.handled.length >= 2, patience(kit, 1_000))
      for (const { runs } of [later, sooner]) assert.deepEqual(attemptsOf(runs), [1, 2])
      assertNeverEarly(gapsOf(later.runs), [1_000])
      assertNeverEarly(gapsOf(sooner.runs), [100])
    },
  },
  {
    id: 'RET-10',
    title: '200 messages that wait for retries of different delays are never early, lost or run too often',
    promises: [5],
    level: 'required',
    unless: withoutDelays,
    timeoutMs: 60_000,
    async run(kit) {
      const queue = await kit.queue()
      const ledger = kit.ledger(kit.topic())
      const delays = range(200).map(() => Math.floor(kit.random() * 1_500))
      const collector = await ledger.collect(queue, {
        concurrency: 50,
        handler: ({ data, attempt }) => {
          const { index } = data as { readonly index: number }
          if (attempt === 1) throw new RetryLater({ afterMs: delays[index] ?? 0 })
        },
      })
      await ledger.publish(queue, { count: 200 })
      await ledger.check({ queue, duplicates: 0, withinMs: patience(kit, 1_500).timeoutMs })
      for (const [index, delay] of delays.entries()) {
        const runs = runsOf(collector.runs, `m-${index}`)
        assert.deepEqual(attemptsOf(runs), [1, 2])
        assertNeverEarly(gapsOf(runs), [delay])
      }
    },
  },
  {
    id: 'RET-11',
    title:
      'a message that waits for its retry survives the end of the failed consumer, with its attempts and its delay',
    promises: [5],
    level: 'required',
    unless: withoutDelays,
    async run(kit) {
      const publisher = await kit.queue()
      const first = await kit.queue()
      const failing = await kit.collect(first, kit.topic(), {
        retry: { delayMs: 1_500 },
        handler: () => {
          throw new Error('the first consumer')
        },
      })
      await publisher.publish(kit.topic(), 1, { id: 'm' })
      await kit.until('the first run', () => failing.runs.length >= 1)
      await first.disconnect()
      const second = await kit.collect(publisher, kit.topic())
      await kit.until('the second run', () => second.handled.length >= 1, patience(kit, 1_500))
      await kit.quiet(() => second.runs.length)
      assert.deepEqual(attemptsOf(second.runs), [2])
      assertNeverEarly(gapsOf([...failing.runs, ...second.runs]), [1_500])
    },
  },
]
