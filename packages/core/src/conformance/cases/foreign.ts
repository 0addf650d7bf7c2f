import assert from 'node:assert/strict'
import type { Chapter } from '../kit/case.js'
import { idsOf, untilDead } from '../kit/dead-group.js'
import { range } from '../kit/expect.js'
import { attemptsOf, patience } from '../kit/timing.js'

const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))

/** Tests messages of programs that do not use this library. */
export const foreign: Chapter = {
  name: 'foreign messages',
  cases: [
    {
      id: 'FGN-1',
      title: 'a JSON body from another program is handled and has an id, a time and a topic',
      promises: [2],
      level: 'required',
      needs: ['publishForeign'],
      async run(kit) {
        const queue = await kit.queue()
        const collector = await kit.collect(queue, kit.topic(), { group: 'g' })
        const other = await kit.collect(queue, kit.topic(), { group: 'other' })
        const startedAt = Date.now()
        for (const number of range(3)) await kit.faults.publishForeign(kit.topic(), json({ number, text: 'ünïcode ✓' }))
        await kit.until('three messages', () => collector.handled.length >= 3 && other.handled.length >= 3)
        await kit.quiet(() => collector.runs.length + other.runs.length)
        assert.equal(collector.runs.length + other.runs.length, 6, 'runs')
        assert.deepEqual(
          new Set(collector.runs.map(({ data }) => data)),
          new Set(range(3).map((number) => ({ number, text: 'ünïcode ✓' }))),
        )
        assert.equal(new Set(collector.ids).size, 3, 'distinct ids of three foreign messages')
        assert.equal(new Set(other.ids).size, 3, 'different ids')
        for (const { message } of collector.runs) {
          assert.ok(message.id.length > 0 && message.source.length > 0, 'the message has no id or no source')
          const { topic, type, attempt } = message
          assert.deepEqual({ topic, type, attempt }, { topic: kit.topic(), type: kit.topic(), attempt: 1 })
          assert.deepEqual({ ...message.headers }, {})
          // The broker's clock may differ from ours and count in seconds.
          const apart = Math.abs(message.time.getTime() - startedAt)
          assert.ok(apart < 60_000, `the time of the message is ${message.time.toISOString()}`)
        }
      },
    },
    {
      id: 'FGN-2',
      title: 'unreadable bytes from another program are dead letters with those bytes, and other messages are handled',
      promises: [6, 14],
      level: 'required',
      needs: ['publishForeign'],
      async run(kit) {
        const queue = await kit.queue()
        const collector = await kit.collect(queue, kit.topic(), { concurrency: 1 })
        const unreadable = [Buffer.from([0xff, 0x00, 0x80]), Buffer.from('<xml/>'), Buffer.from('{"half":')]
        await queue.publish(kit.topic(), 'ours')
        for (const body of unreadable) await kit.faults.publishForeign(kit.topic(), body)
        await kit.faults.publishForeign(kit.topic(), json('theirs'))
        await queue.publish(kit.topic(), 'ours again')
        const dead = await untilDead(kit, queue, { topic: kit.topic(), count: 3 })
        await kit.until('the readable messages', () => collector.handled.length >= 3)
        await kit.quiet(() => collector.runs.length)
        assert.deepEqual(collector.runs.map(({ data }) => data).sort(), ['ours', 'ours again', 'theirs'])
        const hex = (body: Uint8Array): string => Buffer.from(body).toString('hex')
        assert.deepEqual(dead.map(({ message }) => hex(message.body)).sort(), unreadable.map(hex).sort())
        assert.equal(new Set(idsOf(dead)).size, 3)
        for (const { failure } of dead) {
          const { reason, attempts } = failure
          assert.deepEqual({ reason, attempts }, { reason: 'undecodable', attempts: 0 })
        }
      },
    },
    {
      id: 'FGN-3',
      title: 'a foreign message keeps its body, generated id and time through retries, its dead letter and a replay',
      promises: [5, 6, 14],
      level: 'required',
      needs: ['publishForeign'],
      async run(kit) {
        const queue = await kit.queue()
        let isBroken = true
        const collector = await kit.collect(queue, kit.topic(), {
          handler: () => {
            if (isBroken) throw new Error('broken on purpose')
          },
        })
        const body = Buffer.from('{ "spaced" :  "ünïcode ✓" }')
        await kit.faults.publishForeign(kit.topic(), body)
        const [dead] = await untilDead(kit, queue, { topic: kit.topic(), count: 1, ...patience(kit, 100, 2) })
        assert.ok(dead, 'the dead letter is not listed')
        assert.equal(Buffer.from(dead.message.body).toString(), body.toString())
        isBroken = false
        assert.deepEqual(await queue.deadLetters(kit.topic()).replay(), { replayed: 1 })
        await kit.until('the replay to be handled', () => collector.handled.length >= 1)
        await kit.quiet(() => collector.runs.length)
        assert.deepEqual(attemptsOf(collector.runs), [1, 2, 3, 1])
        for (const { message } of collector.runs) {
          assert.deepEqual(message.data, { spaced: 'ünïcode ✓' })
          assert.equal(message.id, dead.message.id)
          assert.equal(message.time.getTime(), Date.parse(dead.message.time))
        }
      },
    },
  ],
}
