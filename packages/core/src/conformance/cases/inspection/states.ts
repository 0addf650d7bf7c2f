import assert from 'node:assert/strict'
import type { ConformanceCase } from '../../kit/case.js'
import { attemptsOf, withoutDelays } from '../../kit/timing.js'
import { createGate } from '../../kit/wait.js'
import { untilWaiting, waitingOf, withoutAbilities } from './waiting.js'

/** How far a time that was asked for and the time that is listed may be apart: clocks differ, and machines are busy. */
const toleranceMs = 5_000

const assertNear = (found: number | undefined, wanted: number, what: string): void =>
  assert.ok(Math.abs((found ?? Number.NaN) - wanted) <= toleranceMs, `${what} is ${found}, and not about ${wanted}`)

/** Tests the lists of messages that are delayed, retrying or in flight. */
export const inspectionStates: readonly ConformanceCase[] = [
  {
    id: 'INS-6',
    title:
      'messages that are delayed or retrying are listed as such, the next one first, with their times, attempts and failures',
    promises: [5, 7, 22],
    level: 'capability',
    unless: (capabilities) => withoutDelays(capabilities) ?? withoutAbilities('listsWaiting')(capabilities),
    async run(kit) {
      const [queue, elsewhere, topic] = [await kit.queue(), await kit.queue(), kit.topic()]
      const delayMs = Math.min(kit.capabilities.maxDelayMs, 120_000)
      const collector = await kit.collect(queue, topic, {
        retry: { delayMs },
        handler: ({ id }) => {
          throw new Error(`wait, ${id}`)
        },
      })
      const startedAt = Date.now()
      await queue.publish(topic, 1, { id: 'later', delayMs })
      await queue.publish(topic, 2, { id: 'sooner', delayMs: delayMs / 2 })
      for (const id of ['r-0', 'r-1']) await queue.publish(topic, 3, { id })
      await kit.until('both runs', () => collector.runs.length >= 2)
      const delayed = await untilWaiting(kit, elsewhere, { topic, state: 'delayed', count: 2 })
      const retrying = await untilWaiting(kit, elsewhere, { topic, state: 'retrying', count: 2 })
      assert.deepEqual(await waitingOf(elsewhere, { topic }), [])
      assert.deepEqual(
        delayed.map(({ state, message, attempt, failure }) => [state, message.id, attempt, failure]),
        [
          ['delayed', 'sooner', 1, undefined],
          ['delayed', 'later', 1, undefined],
        ],
      )
      assertNear(delayed[0]?.dueAt, startedAt + delayMs / 2, 'the time of the next delayed message')
      assertNear(delayed[1]?.dueAt, startedAt + delayMs, 'the time of the last delayed message')
      for (const { state, message, attempt, failure, dueAt } of retrying) {
        assert.deepEqual(
          [state, attempt, failure?.error.message, failure?.attempts],
          ['retrying', 2, `wait, ${message.id}`, 1],
        )
        assertNear(dueAt, startedAt + delayMs, 'the time of a retry')
      }
      const again = await untilWaiting(kit, elsewhere, { topic, state: 'delayed', limit: 1, count: 2 })
      assert.deepEqual(
        again.map(({ entryId }) => entryId),
        delayed.map(({ entryId }) => entryId),
      )
    },
  },
  {
    id: 'INS-7',
    title: 'on every connection, running messages are listed as in flight until they have ended, and nowhere else',
    promises: [4, 22],
    level: 'capability',
    unless: withoutAbilities('listsWaiting', 'listsInFlight'),
    async run(kit) {
      const [queue, elsewhere, topic] = [await kit.queue(), await kit.queue(), kit.topic()]
      const gate = createGate()
      const collector = await kit.collect(queue, topic, { concurrency: 2, handler: () => gate.opened })
      const startedAt = Date.now()
      for (const id of ['a', 'b', 'c']) await queue.publish(topic, id, { id })
      await kit.until('two handlers to run', () => collector.running === 2)
      for (const one of [queue, elsewhere]) {
        const running = await untilWaiting(kit, one, { topic, state: 'inFlight', count: 2 })
        assert.deepEqual(running.map(({ message }) => message.id).sort(), ['a', 'b'])
        for (const { state, attempt, startedAt: began, message, data } of running) {
          assert.deepEqual([state, attempt, data], ['inFlight', 1, message.id])
          if (began !== undefined) assertNear(began, startedAt, 'the beginning of a run')
        }
        const ready = await untilWaiting(kit, one, { topic, count: 1 })
        assert.deepEqual(
          ready.map(({ message }) => message.id),
          ['c'],
        )
      }
      gate.open()
      await kit.until('all to be handled', () => collector.handled.length >= 3)
      await untilWaiting(kit, elsewhere, { topic, state: 'inFlight', count: 0 })
      assert.deepEqual(attemptsOf(collector.runs), [1, 1, 1])
    },
  },
]
