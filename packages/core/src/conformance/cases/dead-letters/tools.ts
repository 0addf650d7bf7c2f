import assert from 'node:assert/strict'
import { Unrecoverable } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import { deadGroup, idsOf, untilDead } from '../../kit/dead-group.js'
import { range, sorted } from '../../kit/expect.js'
import { attemptsOf } from '../../kit/timing.js'

/** Tests what core does with dead letters above an adapter's lists and replays. */
export const deadLetterTools: readonly ConformanceCase[] = [
  {
    id: 'DLQ-27',
    title: 'entries are listed, replayed at a rate and purged by their error, key and data, and the others stay',
    promises: [6],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const [queue, topic] = [await kit.queue(), kit.topic()]
      let isBroken = true
      const collector = await kit.collect(queue, topic, {
        handler: ({ key }) => {
          if (isBroken) throw Object.assign(new Unrecoverable('broken on purpose'), { code: `E_${key}` })
        },
      })
      for (const number of range(12)) {
        await queue.publish(
          topic,
          { n: number, to: { even: number % 2 === 0 } },
          { id: `d-${number}`, key: number < 8 ? 'A' : 'B' },
        )
      }
      await untilDead(kit, queue, { topic, count: 12 })
      isBroken = false
      const letters = queue.deadLetters(topic)
      const listed = await letters.list({ where: { errorCode: 'E_B' } })
      assert.deepEqual(sorted(idsOf(listed)), ['d-10', 'd-11', 'd-8', 'd-9'])
      const where = { key: 'A', data: { 'to.even': true } }
      const rate = { messages: 20, perMs: 1_000 }
      assert.deepEqual(await letters.replay({ where, rate }), { replayed: 4, complete: true })
      assert.deepEqual(await letters.replay({ where, rate }), { replayed: 0, complete: true })
      await kit.until('the replays to be handled', () => collector.handled.length >= 4)
      await kit.quiet(() => collector.runs.length)
      assert.deepEqual(sorted(collector.ids), ['d-0', 'd-2', 'd-4', 'd-6'])
      assert.deepEqual(await letters.purge({ where: { errorCode: 'E_B' } }), { purged: 4, complete: true })
      assert.deepEqual(sorted(idsOf(await letters.list())), ['d-1', 'd-3', 'd-5', 'd-7'])
    },
  },
  {
    id: 'DLQ-28',
    title: 'an edited entry runs in its group alone, as a new message that names the old one as its cause',
    promises: [3, 6, 19],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const [queue, topic] = [await kit.queue(), kit.topic()]
      const other = await kit.collect(queue, topic, { group: 'other' })
      const { entries, letters, collector, repair } = await deadGroup(kit, queue, { topic, count: 2 })
      repair()
      const [entry] = entries
      const { edited, id } = await letters.edit(entry?.entryId ?? '', {
        data: { mended: true },
        headers: { by: 'Ada' },
      })
      assert.equal(edited, 1)
      await kit.until('the copy to be handled', () => collector.handled.length >= 1)
      await kit.quiet(() => collector.runs.length + other.runs.length)
      const [copy] = collector.handled.map(({ message }) => message)
      assert.deepEqual(
        [copy?.id, copy?.data, copy?.attempt, { ...copy?.headers }, copy?.extensions.causationid],
        [id, { mended: true }, 1, { by: 'Ada' }, entry?.message.id],
      )
      assert.notEqual(id, entry?.message.id)
      assert.deepEqual(attemptsOf(other.runs), [1, 1])
      assert.deepEqual(sorted(other.ids), ['d-0', 'd-1'])
      assert.deepEqual(idsOf(await letters.list()), [entries[1]?.message.id])
      assert.deepEqual(await letters.edit(entry?.entryId ?? '', { data: 1 }), { edited: 0 })
    },
  },
]
