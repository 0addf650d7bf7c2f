import assert from 'node:assert/strict'
import { Unrecoverable } from '../../index.js'
import type { Chapter } from '../kit/case.js'
import { deadGroup, untilDead } from '../kit/dead-group.js'
import { range, sorted } from '../kit/expect.js'
import { untilStats } from '../kit/group-state.js'
import { patience, withoutDelays } from '../kit/timing.js'
import { createGate } from '../kit/wait.js'

interface Moment {
  readonly from: number
  readonly until: number
}

/** Notes between which times something happened. */
async function moment(work: () => Promise<unknown>): Promise<Moment> {
  const from = Date.now()
  await work()
  return { from, until: Date.now() }
}

/** How far the clocks of a broker and of this process may be apart. */
const clockMs = 1_000

/** Checks an age against the moment at which it began. */
async function assertAge(ageNow: () => Promise<number | undefined>, since: Moment): Promise<void> {
  const min = Math.max(0, Date.now() - since.until - clockMs)
  const age = (await ageNow()) ?? Number.NaN
  const max = Date.now() - since.from + clockMs
  assert.ok(age >= min && age <= max, `the age is ${age} ms, and not from ${min} to ${max} ms`)
}

/** Tests that each count is right, or undefined if the broker cannot count. */
export const stats: Chapter = {
  name: 'stats',
  cases: [
    {
      id: 'STA-1',
      title:
        'on every connection, stats count waiting messages as ready, running ones as in flight, and handled ones not at all',
      promises: [4, 8],
      level: 'required',
      async run(kit) {
        const topic = kit.topic()
        const [queue, elsewhere] = [await kit.queue(), await kit.queue()]
        await queue.declareGroup(topic, 'g')
        await untilStats(kit, queue, { topic })
        for (const number of range(6)) await queue.publish(topic, number)
        await untilStats(kit, queue, { topic, ready: 6 })
        const gate = createGate()
        const collector = await kit.collect(queue, topic, { concurrency: 2, handler: () => gate.opened })
        await kit.until('two handlers to run', () => collector.running === 2)
        // The other connection runs none of the handlers.
        for (const one of [queue, elsewhere]) await untilStats(kit, one, { topic, ready: 4, inFlight: 2 })
        gate.open()
        await kit.until('all messages to be handled', () => collector.handled.length >= 6)
        for (const one of [queue, elsewhere]) await untilStats(kit, one, { topic })
      },
    },
    {
      id: 'STA-2',
      title:
        'stats count messages as delayed or retrying until they are due, as a publisher or a retry has delayed them',
      promises: [5, 7],
      level: 'required',
      unless: withoutDelays,
      async run(kit) {
        const queue = await kit.queue()
        const topic = kit.topic()
        const delayMs = Math.min(kit.capabilities.maxDelayMs, 120_000)
        await queue.declareGroup(topic, 'g')
        for (const number of range(3)) await queue.publish(topic, number, { delayMs })
        await untilStats(kit, queue, { topic, delayed: 3 })
        const collector = await kit.collect(queue, topic, {
          retry: { delayMs },
          handler: ({ data }) => {
            if (data === 'fails') throw new Error('wait')
          },
        })
        for (const _ of range(2)) await queue.publish(topic, 'fails')
        await kit.until('both handlers to fail', () => collector.runs.length >= 2)
        await untilStats(kit, queue, { topic, delayed: 3, retrying: 2 })
        const soon = kit.topic('soon')
        const due = await kit.collect(queue, soon)
        await queue.publish(soon, 1, { delayMs: 200 })
        await kit.until('the message that is due', () => due.handled.length >= 1, patience(kit, 200))
        await untilStats(kit, queue, { topic: soon })
      },
    },
    {
      id: 'STA-3',
      title: 'stats count dead letters only as dead, and no longer once they are replayed or purged',
      promises: [6],
      level: 'required',
      async run(kit) {
        const queue = await kit.queue()
        const topic = kit.topic()
        const { entries, letters, collector, repair } = await deadGroup(kit, queue, { topic, count: 5 })
        await untilStats(kit, queue, { topic, dead: 5 })
        repair()
        await letters.replay([entries[0]?.entryId ?? ''])
        await kit.until('the replay to be handled', () => collector.handled.length >= 1)
        await untilStats(kit, queue, { topic, dead: 4 })
        await letters.purge([entries[1]?.entryId ?? '', entries[2]?.entryId ?? ''])
        await untilStats(kit, queue, { topic, dead: 2 })
        await letters.purge()
        await untilStats(kit, queue, { topic })
      },
    },
    {
      id: 'STA-4',
      title: 'each group and each topic has counts of its own',
      promises: [3],
      level: 'required',
      async run(kit) {
        const queue = await kit.queue()
        const topic = kit.topic()
        for (const group of ['handles', 'waits']) await queue.declareGroup(topic, group)
        await queue.declareGroup(kit.topic('other'), 'waits')
        const failing = await kit.collect(queue, topic, {
          group: 'fails',
          handler: () => {
            throw new Unrecoverable('hopeless')
          },
        })
        const handling = await kit.collect(queue, topic, { group: 'handles' })
        for (const number of range(4)) await queue.publish(topic, number)
        await queue.publish(kit.topic('other'), 1)
        await kit.until('all messages in both groups', () => handling.handled.length >= 4 && failing.runs.length >= 4)
        await untilStats(kit, queue, { topic, group: 'handles' })
        await untilStats(kit, queue, { topic, group: 'waits', ready: 4 })
        await untilStats(kit, queue, { topic, group: 'fails', dead: 4 })
        await untilStats(kit, queue, { topic: kit.topic('other'), group: 'waits', ready: 1 })
      },
    },
    {
      id: 'STA-5',
      title:
        'the stats of a group that does not exist are unknown and not zero, before it is declared and once it is deleted',
      promises: [3],
      level: 'required',
      async run(kit) {
        const [queue, elsewhere] = [await kit.queue(), await kit.queue()]
        const topic = kit.topic()
        await queue.declareGroup(topic, 'other')
        await queue.publish(topic, 1)
        const unknown = {
          ready: undefined,
          inFlight: undefined,
          delayed: undefined,
          retrying: undefined,
          dead: undefined,
          oldestReadyMs: undefined,
          oldestDeadMs: undefined,
          paused: undefined,
        }
        for (const one of [queue, elsewhere]) assert.deepEqual(await one.stats(topic, 'g'), unknown)
        await queue.declareGroup(topic, 'g')
        for (const one of [queue, elsewhere]) assert.equal((await one.stats(topic, 'g')).ready, 0)
        await queue.deleteGroup(topic, 'g')
        for (const one of [queue, elsewhere]) assert.deepEqual(await one.stats(topic, 'g'), unknown)
        await untilStats(kit, queue, { topic, group: 'other', ready: 1 })
      },
    },
    {
      id: 'STA-6',
      title: 'stats count replayed messages as ready until a consumer takes them',
      promises: [6],
      level: 'required',
      async run(kit) {
        const queue = await kit.queue()
        const topic = kit.topic()
        const { letters, collector } = await deadGroup(kit, queue, { topic, count: 3 })
        await collector.subscription.stop()
        await letters.replay()
        await untilStats(kit, queue, { topic, ready: 3 })
        const later = await kit.collect(queue, topic)
        await kit.until('the replayed messages', () => later.handled.length >= 3, { timeoutMs: kit.redeliveryMs })
        await untilStats(kit, queue, { topic })
      },
    },
    {
      id: 'STA-7',
      title:
        'a count that an adapter gives is always given, as a whole number: none of a new group is unknown at times',
      promises: [10],
      level: 'required',
      async run(kit) {
        const [queue, elsewhere, topic] = [await kit.queue(), await kit.queue(), kit.topic()]
        const seen: (readonly [moment: string, given: readonly string[]])[] = []
        const note = async (moment: string): Promise<void> => {
          for (const one of [queue, elsewhere]) {
            const counts = Object.entries(await one.stats(topic, 'g')).filter(([, count]) => count !== undefined)
            const unsound = counts.filter(([, count]) => !Number.isSafeInteger(count) || count < 0)
            assert.deepEqual(unsound, [], `counts that are no whole numbers, ${moment}`)
            seen.push([moment, sorted(counts.map(([name]) => name))])
          }
        }
        await queue.declareGroup(topic, 'g')
        await note('of a new group')
        await queue.publish(topic, 'waits')
        await note('while a message waits')
        const gate = createGate()
        const collector = await kit.collect(queue, topic, {
          concurrency: 1,
          handler: async ({ data }) => {
            if (data === 'dies') throw new Unrecoverable('hopeless')
            await gate.opened
          },
        })
        await kit.until('a handler to run', () => collector.running === 1)
        await note('while a message runs')
        gate.open()
        await kit.until('the message to be handled', () => collector.handled.length === 1)
        await queue.publish(topic, 'dies')
        await untilDead(kit, queue, { topic, count: 1 })
        await note('with a dead letter')
        await collector.subscription.stop()
        await note('without a consumer')
        const [[, first] = []] = seen
        for (const [moment, given] of seen) assert.deepEqual(given, first, `counts that are given ${moment}`)
      },
    },
    {
      id: 'STA-8',
      title:
        'stats say how long the oldest ready message could have run, since its publish or the end of its delay, and 0 without one',
      promises: [7, 22],
      level: 'required',
      unless: withoutDelays,
      timeoutMs: 60_000,
      async run(kit) {
        const [queue, elsewhere] = [await kit.queue(), await kit.queue()]
        const [topic, later] = [kit.topic(), kit.topic('later')]
        await Promise.all([topic, later].map((one) => queue.declareGroup(one, 'g')))
        const empty = (await queue.stats(topic, 'g')).oldestReadyMs
        kit.measured('oldestReadyMs', empty)
        if (empty === undefined) return
        assert.equal(empty, 0)

        const published = async (): Promise<void> => {
          const first = await moment(() => queue.publish(topic, 1))
          await kit.until('some time to pass', () => Date.now() > first.until + 2_500)
          await queue.publish(topic, 2)
          await untilStats(kit, queue, { topic, ready: 2 })
          for (const one of [queue, elsewhere])
            await assertAge(async () => (await one.stats(topic, 'g')).oldestReadyMs, first)
          const collector = await kit.collect(queue, topic)
          await kit.until('both to be handled', () => collector.handled.length >= 2)
          await kit.until('the age to be 0', async () => (await elsewhere.stats(topic, 'g')).oldestReadyMs === 0)
        }
        const delayed = async (): Promise<void> => {
          const delayMs = 2_500
          const { from, until } = await moment(() => queue.publish(later, 3, { delayMs }))
          await untilStats(kit, queue, { topic: later, ready: 1 })
          const due = { from: from + delayMs, until: until + delayMs + kit.capabilities.delayResolutionMs }
          await assertAge(async () => (await elsewhere.stats(later, 'g')).oldestReadyMs, due)
        }
        await Promise.all([published(), delayed()])
      },
    },
    {
      id: 'STA-9',
      title: 'stats say how long ago the oldest dead letter failed, and 0 if there is none',
      promises: [6, 22],
      level: 'required',
      timeoutMs: 60_000,
      async run(kit) {
        const [queue, elsewhere, topic] = [await kit.queue(), await kit.queue(), kit.topic()]
        await queue.declareGroup(topic, 'g')
        const empty = (await queue.stats(topic, 'g')).oldestDeadMs
        kit.measured('oldestDeadMs', empty)
        if (empty === undefined) return
        assert.equal(empty, 0)
        const first = await moment(() => deadGroup(kit, queue, { topic, count: 1 }))
        await kit.until('some time to pass', () => Date.now() > first.until + 2_500)
        await queue.publish(topic, 2)
        await untilDead(kit, queue, { topic, count: 2 })
        for (const one of [queue, elsewhere])
          await assertAge(async () => (await one.stats(topic, 'g')).oldestDeadMs, first)
        await queue.deadLetters(topic, 'g').purge()
        await kit.until('the age to be 0', async () => (await elsewhere.stats(topic, 'g')).oldestDeadMs === 0)
      },
    },
  ],
}
