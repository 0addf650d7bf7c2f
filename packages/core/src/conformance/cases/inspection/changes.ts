import assert from 'node:assert/strict'
import type { WaitingMessage } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import { range, sorted } from '../../kit/expect.js'
import { untilStats } from '../../kit/group-state.js'
import { attemptsOf, patience, runsOf, withoutDelays } from '../../kit/timing.js'
import { createGate } from '../../kit/wait.js'
import { untilWaiting, withoutAbilities } from './waiting.js'

const entryOf = (listed: readonly WaitingMessage[], id: string): string =>
  listed.find(({ message }) => message.id === id)?.entryId ?? ''

/** Tests what can be done to single messages. */
export const inspectionChanges: readonly ConformanceCase[] = [
  {
    id: 'INS-8',
    title:
      'remove takes the named messages from this group for good, whether ready, delayed or retrying, and from no other',
    promises: [22],
    level: 'capability',
    unless: (capabilities) =>
      withoutDelays(capabilities) ?? withoutAbilities('listsWaiting', 'removesWaiting')(capabilities),
    timeoutMs: 60_000,
    async run(kit) {
      const [queue, elsewhere, topic] = [await kit.queue(), await kit.queue(), kit.topic()]
      const delayMs = 2_000 * kit.patience + 2 * kit.capabilities.delayResolutionMs
      const failing = await kit.collect(queue, topic, {
        retry: { delayMs: 60_000 },
        handler: () => {
          throw new Error('wait')
        },
      })
      await queue.declareGroup(topic, 'other')
      for (const id of ['r-0', 'r-1']) await queue.publish(topic, id, { id })
      await kit.until('both to fail', () => failing.runs.length >= 2)
      const retrying = await untilWaiting(kit, queue, { topic, state: 'retrying', count: 2 })
      await failing.subscription.stop()
      for (const number of range(4)) await queue.publish(topic, number, { id: `m-${number}` })
      for (const id of ['d-0', 'd-1']) await queue.publish(topic, id, { id, delayMs })
      const ready = await untilWaiting(kit, queue, { topic, count: 4 })
      const delayed = await untilWaiting(kit, queue, { topic, state: 'delayed', count: 2 })
      const named = [entryOf(ready, 'm-1'), entryOf(ready, 'm-3'), entryOf(delayed, 'd-0'), entryOf(retrying, 'r-0')]
      const waiting = elsewhere.waiting(topic, 'g')
      assert.deepEqual(await waiting.remove(named), { removed: 4 })
      assert.deepEqual(await waiting.remove([...named, 'no-such-entry', '', '✓']), { removed: 0 })
      assert.deepEqual(await waiting.remove([]), { removed: 0 })
      await untilStats(kit, elsewhere, { topic, ready: 2, delayed: 1, retrying: 1 })
      const other = await kit.collect(elsewhere, topic, { group: 'other' })
      const collector = await kit.collect(elsewhere, topic)
      await kit.until('what is left', () => collector.handled.length >= 3, patience(kit, delayMs))
      await kit.until('all in the other group', () => other.handled.length >= 8, patience(kit, delayMs))
      await kit.quiet(() => collector.runs.length + other.runs.length)
      assert.deepEqual(sorted(collector.ids), ['d-1', 'm-0', 'm-2'])
      assert.deepEqual(sorted(other.ids), ['d-0', 'd-1', 'm-0', 'm-1', 'm-2', 'm-3', 'r-0', 'r-1'])
      assert.deepEqual(await waiting.remove([entryOf(retrying, 'r-1')]), { removed: 1 })
      await untilStats(kit, elsewhere, { topic })
    },
  },
  {
    id: 'INS-9',
    title: 'a message that runs is not removed, and neither is one of another group by its name there',
    promises: [3, 22],
    level: 'capability',
    unless: withoutAbilities('listsWaiting', 'removesWaiting'),
    async run(kit) {
      const [queue, elsewhere, topic] = [await kit.queue(), await kit.queue(), kit.topic()]
      for (const group of ['g', 'other']) await queue.declareGroup(topic, group)
      await queue.publish(topic, 1, { id: 'm' })
      const [own] = await untilWaiting(kit, queue, { topic, count: 1 })
      const [foreign] = await untilWaiting(kit, queue, { topic, group: 'other', count: 1 })
      assert.ok(own !== undefined && foreign !== undefined)
      const waiting = elsewhere.waiting(topic, 'g')
      if (foreign.entryId !== own.entryId) assert.deepEqual(await waiting.remove([foreign.entryId]), { removed: 0 })
      const gate = createGate()
      const collector = await kit.collect(queue, topic, { handler: () => gate.opened })
      await kit.until('the handler to run', () => collector.running === 1)
      assert.deepEqual(await waiting.remove([own.entryId]), { removed: 0 })
      assert.equal(collector.runs[0]?.signal.aborted, false, 'the signal of the run')
      gate.open()
      await kit.until('the message to be handled', () => collector.handled.length === 1)
      await untilWaiting(kit, elsewhere, { topic, group: 'other', count: 1 })
    },
  },
  {
    id: 'INS-10',
    title: 'runNow starts a delayed message, or a retry as its next attempt, in this group alone and once',
    promises: [5, 7, 22],
    level: 'capability',
    unless: (capabilities) => withoutDelays(capabilities) ?? withoutAbilities('listsWaiting', 'runsNow')(capabilities),
    timeoutMs: 60_000,
    async run(kit) {
      const [queue, elsewhere, topic] = [await kit.queue(), await kit.queue(), kit.topic()]
      const delayMs = 4_000 * kit.patience + 2 * kit.capabilities.delayResolutionMs
      const other = await kit.collect(queue, topic, { group: 'other' })
      const collector = await kit.collect(queue, topic, {
        retry: { delayMs: 60_000 },
        handler: ({ id, attempt }) => {
          if (id === 'fails' && attempt === 1) throw new Error('wait')
        },
      })
      const publishedAt = Date.now()
      await queue.publish(topic, 1, { id: 'delayed', delayMs })
      await queue.publish(topic, 2, { id: 'fails' })
      await kit.until('the first run', () => collector.runs.length === 1)
      const delayed = await untilWaiting(kit, elsewhere, { topic, state: 'delayed', count: 1 })
      const retrying = await untilWaiting(kit, elsewhere, { topic, state: 'retrying', count: 1 })
      const waiting = elsewhere.waiting(topic, 'g')
      const ids = [...delayed, ...retrying].map(({ entryId }) => entryId)
      assert.deepEqual(await waiting.runNow([...ids, 'no-such-entry']), { readied: 2 })
      await kit.until('both to be handled', () => collector.handled.length >= 2, { timeoutMs: 30_000 })
      assert.deepEqual(await waiting.runNow(ids), { readied: 0 })
      assert.deepEqual(attemptsOf(collector.runs, 'fails'), [1, 2])
      assert.deepEqual(attemptsOf(collector.runs, 'delayed'), [1])
      await kit.until('the delayed message in the other group', () => other.handled.length >= 2, patience(kit, delayMs))
      const [inTime] = runsOf(other.runs, 'delayed')
      assert.ok((inTime?.startedAt ?? 0) >= publishedAt + delayMs, 'the other group got the message early')
      await kit.quiet(() => collector.runs.length + other.runs.length)
      assert.equal(collector.runs.length, 3, 'runs of the group')
      assert.equal(other.runs.length, 2, 'runs of the other group')
      await untilStats(kit, elsewhere, { topic })
    },
  },
]
