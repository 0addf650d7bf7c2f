import assert from 'node:assert/strict'
import { defineEvent, type StandardSchema, Unrecoverable } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import { untilDead } from '../../kit/dead-group.js'
import { publishCall, rawMessage } from '../../kit/raw.js'
import { attemptsOf } from '../../kit/timing.js'

/** Tests messages that become dead letters without another attempt. */
export const deadLetterReasons: readonly ConformanceCase[] = [
  {
    id: 'DLQ-5',
    title: 'a message whose handler throws Unrecoverable runs once and is dead',
    promises: [6],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue()
      const collector = await kit.collect(queue, kit.topic(), {
        handler: ({ data }) => {
          if (data === 'hopeless') throw new Unrecoverable('no such account')
        },
      })
      for (const data of ['hopeless', 'fine']) await queue.publish(kit.topic(), data, { id: data })
      const dead = await untilDead(kit, queue, { topic: kit.topic(), count: 1 })
      await kit.until('the other to be handled', () => collector.handled.length >= 1)
      await kit.quiet(() => collector.runs.length)
      assert.deepEqual(attemptsOf(collector.runs, 'hopeless'), [1])
      assert.equal((await queue.deadLetters(kit.topic()).list()).length, 1)
      const { reason, error, attempts } = dead[0]?.failure ?? {}
      assert.deepEqual(
        { reason, name: error?.name, message: error?.message },
        { reason: 'unrecoverable', name: 'Unrecoverable', message: 'no such account' },
      )
      assert.equal(attempts, 1)
    },
  },
  {
    id: 'DLQ-6',
    title: 'unreadable bytes are dead letters with those bytes, without a run, and hold up no later message',
    promises: [6, 14],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue()
      const adapter = await kit.connected()
      const collector = await kit.collect(queue, kit.topic(), { concurrency: 1 })
      const bodies = {
        'not-utf8': Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x7b]),
        'cut-off': Buffer.from('{"half":'),
        'two-values': Buffer.from('{} {}'),
        empty: Buffer.alloc(0),
        zeros: Buffer.alloc(3),
      }
      await queue.publish(kit.topic(), 'before')
      const messages = Object.entries(bodies).map(([id, body]) => rawMessage({ id, body }))
      const outcomes = await adapter.publish(kit.topic(), messages, publishCall())
      for (const { status } of outcomes) assert.equal(status, 'stored')
      await queue.publish(kit.topic(), 'after')
      const dead = await untilDead(kit, queue, { topic: kit.topic(), count: messages.length })
      await kit.until('the readable ones to be handled', () => collector.handled.length >= 2)
      await kit.quiet(() => collector.runs.length)
      assert.equal(collector.runs.length, 2, 'runs of the readable messages')
      assert.deepEqual(
        Object.fromEntries(dead.map(({ message }) => [message.id, Buffer.from(message.body).toString('hex')])),
        Object.fromEntries(messages.map(({ id, body }) => [id, Buffer.from(body).toString('hex')])),
      )
      for (const { data, failure } of dead) {
        assert.equal(data, undefined)
        const { reason, error, attempts } = failure
        assert.deepEqual(
          { reason, code: error.code, attempts },
          { reason: 'undecodable', code: 'MQ_UNDECODABLE', attempts: 0 },
        )
      }
    },
  },
  {
    id: 'DLQ-7',
    title: 'data that does not match the schema is dead without a run, and holds up no later message',
    promises: [6],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue()
      const event = defineEvent(kit.topic(), { schema: numbersOnly })
      const seen: number[] = []
      await queue.subscribe(event, ({ data }) => void seen.push(data), { concurrency: 1 })
      // A topic that is given by name has no schema.
      for (const data of [1, 'two', 3, null]) await queue.publish(kit.topic(), data)
      const dead = await untilDead(kit, queue, { topic: kit.topic(), count: 2 })
      await kit.until('the valid messages', () => seen.length >= 2)
      await kit.quiet(() => seen.length)
      assert.deepEqual([...seen].sort(), [1, 3])
      assert.deepEqual(new Set(dead.map(({ data }) => data)), new Set(['two', null]))
      for (const { failure } of dead) {
        const { reason, error, attempts } = failure
        assert.deepEqual(
          { reason, code: error.code, attempts },
          { reason: 'invalid', code: 'MQ_INVALID_DATA', attempts: 0 },
        )
      }
    },
  },
]

const numbersOnly: StandardSchema<number> = {
  '~standard': {
    version: 1,
    vendor: 'conformance',
    validate: (value) => (typeof value === 'number' ? { value } : { issues: [{ message: 'it is no number' }] }),
  },
}
