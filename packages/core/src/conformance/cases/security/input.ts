import assert from 'node:assert/strict'
import type { ConformanceCase } from '../../kit/case.js'
import { untilDead } from '../../kit/dead-group.js'
import { rejection } from '../../kit/expect.js'
import { publishCall, rawMessage } from '../../kit/raw.js'
import { patience } from '../../kit/timing.js'

/** Tests malicious input. */
export const hostileInput: readonly ConformanceCase[] = [
  {
    id: 'SEC-1',
    title: 'headers that a broker would interpret or that cannot be written are refused, and nothing is sent',
    promises: [14],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue()
      const collector = await kit.collect(queue, kit.topic())
      const names = ['CC', 'bcc', 'x-death', 'X-Delay', 'mq-attempt', 'ce_id', 'ce-id', 'cloudEvents:id']
      const malformed = ['__proto__', 'constructor', 'content-type', '', 'a b', 'ü', 'a\r\nb', 'a'.repeat(200)]
      for (const name of [...names, ...malformed]) {
        const headers = Object.fromEntries([[name, 'value']])
        await rejection(queue.publish(kit.topic(), 1, { headers }), 'MQ_INVALID_HEADER')
      }
      for (const value of ['a\r\nInjected: yes', 'nul \u0000', 'escape \u001b[2J', 'half \ud83d']) {
        await rejection(queue.publish(kit.topic(), 1, { headers: { value } }), 'MQ_INVALID_HEADER')
      }
      for (const value of [1, null, ['a'], {}]) {
        await assert.rejects(queue.publish(kit.topic(), 1, { headers: { value: value as never } }), TypeError)
      }
      const { id } = await queue.publish(kit.topic(), 'fine', { headers: { fine: 'yes' } })
      await kit.until('the one that is fine', () => collector.handled.length >= 1)
      await kit.quiet(() => collector.runs.length)
      assert.deepEqual(collector.ids, [id])
    },
  },
  {
    id: 'SEC-2',
    title: 'names such as __proto__ change no prototype, and headers have none',
    promises: [14],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue()
      const adapter = await kit.connected()
      const collector = await kit.collect(queue, kit.topic(), {
        retry: { attempts: 2 },
        handler: () => {
          throw new Error('again, then dead')
        },
      })
      const text =
        '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"a":[{"__proto__":{"polluted":1}}]}'
      await queue.publish(kit.topic(), JSON.parse(text), { headers: { plain: 'yes' } })
      await adapter.publish(kit.topic(), [rawMessage({ body: Buffer.from(text) })], publishCall())
      const dead = await untilDead(kit, queue, { topic: kit.topic(), count: 2, ...patience(kit, 50) })
      assert.equal(collector.runs.length, 4, 'runs')
      for (const data of [...collector.runs, ...dead].map((one) => one.data)) assert.equal(JSON.stringify(data), text)
      for (const { headers, extensions } of [...collector.runs, ...dead].map((one) => one.message)) {
        for (const bag of [headers, extensions]) {
          for (const name of ['constructor', 'toString', '__proto__', 'polluted']) assert.ok(!(name in bag), name)
        }
      }
      assert.equal(({} as { polluted?: unknown }).polluted, undefined)
    },
  },
  {
    id: 'SEC-3',
    title: 'JSON nested a hundred thousand levels deep is a dead letter, and the process survives',
    promises: [6],
    level: 'required',
    unless: ({ maxMessageBytes }) => (maxMessageBytes < 250_000 ? 'it takes no message that is so deep' : undefined),
    async run(kit) {
      const queue = await kit.queue()
      const adapter = await kit.connected()
      const collector = await kit.collect(queue, kit.topic())
      const depth = 100_000
      const bodies = [
        Buffer.from('['.repeat(depth) + ']'.repeat(depth)),
        Buffer.from('['.repeat(depth)),
        Buffer.from(`${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`),
      ]
      const messages = bodies.map((body) => rawMessage({ body }))
      for (const message of messages) await adapter.publish(kit.topic(), [message], publishCall())
      await queue.publish(kit.topic(), 'after', { id: 'after' })
      const dead = await untilDead(kit, queue, { topic: kit.topic(), count: 3 })
      await kit.until('the message behind them', () => collector.ids.includes('after'))
      await kit.quiet(() => collector.runs.length)
      assert.deepEqual(collector.ids, ['after'])
      for (const { data, failure, message } of dead) {
        assert.deepEqual({ data, reason: failure.reason }, { data: undefined, reason: 'undecodable' })
        const sent = messages.find(({ id }) => id === message.id)
        assert.ok(
          sent !== undefined && Buffer.compare(sent.body, message.body) === 0,
          'the dead letter has other bytes',
        )
      }
    },
  },
]
