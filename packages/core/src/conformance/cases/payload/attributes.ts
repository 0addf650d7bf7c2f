import assert from 'node:assert/strict'
import { maxHeaderBytes } from '../../../adapter.js'
import { type PublishOptions, Unrecoverable } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import { untilDead } from '../../kit/dead-group.js'
import { range } from '../../kit/expect.js'
import type { Kit } from '../../kit/kit.js'
import { consumeRaw, contentOf, publishCall, rawMessage } from '../../kit/raw.js'
import { patience } from '../../kit/timing.js'

/** Tests everything that a message has besides its body. */
export const payloadAttributes: readonly ConformanceCase[] = [
  {
    id: 'PAY-7',
    title: 'headers keep every character of their names and values, on the first attempt and on the next',
    promises: [14],
    level: 'required',
    async run(kit) {
      const headers = {
        TraceId: 'upper case',
        traceid: 'lower case',
        'with.dots-and_more': 'a',
        '0': 'a number for a name',
        empty: '',
        spaces: '  before and after  ',
        tab: 'a\tb',
        unicode: 'Grüße 👋 漢字 \u2028 \u00a0',
        zeros: '007',
        exponent: '1e3',
        huge: '123456789012345678901234567890',
        truth: 'true',
        nothing: 'null',
        json: '{"a":[1,2]}',
        date: '2024-02-29',
        percent: '100%20=&?',
        toString: 'not a function',
        valueOf: 'nor this',
        length: '3',
        id: 'not the id',
        time: 'not the time',
        attempt: '99',
        key: 'not the key',
        delay: '60000',
      }
      await arrivesTwice(kit, { headers })
    },
  },
  {
    id: 'PAY-8',
    title: 'sixty-four headers arrive, and so do 32 KiB of headers',
    promises: [14],
    level: 'required',
    async run(kit) {
      const count = 64
      const name = (index: number): string => `${index}`.padStart(3, '0')
      const valueBytes = maxHeaderBytes / count - 3
      const headers = Object.fromEntries(range(count).map((index) => [name(index), `${index % 10}`.repeat(valueBytes)]))
      await arrivesTwice(kit, { headers })
    },
  },
  {
    id: 'PAY-9',
    title: 'a key arrives unchanged, up to 255 bytes in any script, and a message without a key has none',
    promises: [14],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue()
      const keys = [undefined, 'a', '0', 'null', ' with spaces ', 'ключ/漢字?#%', '🔑'.repeat(63), 'k'.repeat(255)]
      const failed = new Set<string>()
      const collector = await kit.collect(queue, kit.topic(), {
        handler: ({ id }) => {
          if (failed.has(id)) return
          failed.add(id)
          throw new Error('once')
        },
      })
      for (const [index, key] of keys.entries()) {
        await queue.publish(kit.topic(), index, { id: String(index), ...(key !== undefined && { key }) })
      }
      await kit.until('each key twice', () => collector.runs.length >= 2 * keys.length, patience(kit, 50))
      await kit.quiet(() => collector.runs.length)
      for (const [index, key] of keys.entries()) {
        const seen = collector.runs.filter(({ data }) => data === index).map(({ message }) => message.key)
        assert.deepEqual(seen, [key, key])
      }
    },
  },
  {
    id: 'PAY-10',
    title: 'the content type is kept, and decides how the body is read: as JSON, text or bytes',
    promises: [14],
    level: 'required',
    async run(kit) {
      const adapter = await kit.connected()
      const queue = await kit.queue()
      const ref = { topic: kit.topic(), group: 'raw' }
      const deliveries = await consumeRaw(adapter, ref)
      const collector = await kit.collect(queue, kit.topic())
      const body = Buffer.from('"ü"')
      const types: Record<string, unknown> = {
        'application/json': 'ü',
        'application/vnd.acme.order+json; charset=utf-8': 'ü',
        'text/plain; charset=UTF-8': '"ü"',
        'text/csv': '"ü"',
        'image/png': new Uint8Array(body),
        'application/octet-stream': new Uint8Array(body),
      }
      const messages = Object.keys(types).map((contentType) => rawMessage({ id: contentType, contentType, body }))
      const { contentType: _, ...untyped } = rawMessage({ id: 'none', body })
      await adapter.publish(ref.topic, [...messages, untyped], publishCall())
      const count = messages.length + 1
      await kit.until('all messages', () => deliveries.length >= count && collector.handled.length >= count)
      await kit.quiet(() => deliveries.length + collector.runs.length)
      for (const sent of [...messages, untyped]) {
        const received = deliveries.filter(({ message }) => message.id === sent.id)
        assert.deepEqual(
          received.map(({ message }) => contentOf(message)),
          [contentOf(sent)],
        )
      }
      const data = Object.fromEntries(collector.runs.map((run) => [run.id, run.data]))
      assert.deepEqual(data, { ...types, none: 'ü' })
    },
  },
  {
    id: 'PAY-11',
    title:
      'a tombstone keeps its key and stays one through a retry, its dead letter and a replay; an empty body is none',
    promises: [14],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue()
      let isBroken = true
      const collector = await kit.collect(queue, kit.topic(), {
        group: 'g',
        handler: ({ tombstone, attempt }) => {
          if (isBroken && tombstone) throw attempt === 1 ? new Error('once') : new Unrecoverable('dead on purpose')
        },
      })
      const { id } = await queue.publishTombstone(kit.topic(), 'user-1', { headers: { tenant: 'acme' } })
      await queue.publish(kit.topic(), new Uint8Array(), { id: 'empty', key: 'user-2' })
      const [dead] = await untilDead(kit, queue, { topic: kit.topic(), count: 1 })
      assert.ok(dead, 'the dead letter is not listed')
      const { key, body } = dead.message
      assert.deepEqual(
        { id: dead.message.id, key, data: dead.data, tombstone: dead.tombstone, bytes: body.byteLength },
        { id, key: 'user-1', data: null, tombstone: true, bytes: 0 },
      )
      isBroken = false
      assert.deepEqual(await queue.deadLetters(kit.topic(), 'g').replay(), { replayed: 1 })
      await kit.until('the replay and the empty body', () => collector.handled.length >= 2, patience(kit, 50))
      await kit.quiet(() => collector.runs.length)
      const seen = collector.runs.map(({ message: { id: of, key, data, tombstone, attempt, headers } }) => ({
        ...{ id: of, key, tombstone, attempt, tenant: headers.tenant },
        data: data instanceof Uint8Array ? `${data.byteLength} bytes` : data,
      }))
      const deleted = { id, key: 'user-1', data: null, tombstone: true, tenant: 'acme' }
      assert.deepEqual(
        seen.filter((run) => run.id === id),
        [1, 2, 1].map((attempt) => ({ ...deleted, attempt })),
      )
      const empty = { id: 'empty', key: 'user-2', data: '0 bytes', tombstone: false, attempt: 1, tenant: undefined }
      assert.deepEqual(
        seen.filter((run) => run.id !== id),
        [empty],
      )
    },
  },
  {
    id: 'PAY-12',
    title:
      'a CloudEvent in structured mode is read like one in binary mode, also after a replay; a batch is a dead letter',
    promises: [14],
    level: 'required',
    async run(kit) {
      const adapter = await kit.connected()
      const queue = await kit.queue()
      let isBroken = true
      const collector = await kit.collect(queue, kit.topic(), {
        group: 'g',
        handler: ({ attempt }) => {
          if (isBroken) throw attempt === 1 ? new Error('once') : new Unrecoverable('dead on purpose')
        },
      })
      const time = '2026-01-02T03:04:05.678Z'
      const about = { id: 'theirs', source: '/their/program', type: 'com.example.order', time }
      const event = { specversion: '1.0', ...about, datacontenttype: 'application/json', data: { text: 'ünïcode ✓' } }
      const sent = (id: string, contentType: string, body: unknown) =>
        rawMessage({ id, contentType, body: Buffer.from(JSON.stringify(body)) })
      const single = sent('outer', 'application/cloudevents+json; charset=utf-8', event)
      const batch = sent('batch', 'application/cloudevents-batch+json', [event])
      await adapter.publish(kit.topic(), [single, batch], publishCall())
      const dead = await untilDead(kit, queue, { topic: kit.topic(), count: 2 })
      const letters = dead.map(({ message, failure, data }) => ({ id: message.id, reason: failure.reason, data }))
      assert.deepEqual(
        letters.sort((one, other) => (one.id < other.id ? -1 : 1)),
        [
          { id: 'batch', reason: 'undecodable', data: [event] },
          { id: 'theirs', reason: 'unrecoverable', data: event.data },
        ],
      )
      isBroken = false
      assert.deepEqual(await queue.deadLetters(kit.topic(), 'g').replay(), { replayed: 2 })
      await kit.until('the replay', () => collector.handled.length >= 1, patience(kit, 50))
      const [again] = await untilDead(kit, queue, { topic: kit.topic(), count: 1 })
      assert.equal(again?.message.id, 'batch')
      await kit.quiet(() => collector.runs.length)
      const seen = collector.runs.map(({ attempt, data, message: { id, source, type, time: at } }) => ({
        ...{ id, source, type, time: at.toISOString() },
        ...{ attempt, data },
      }))
      assert.deepEqual(
        seen,
        [1, 2, 1].map((attempt) => ({ ...about, attempt, data: event.data })),
      )
    },
  },
]

/** Publishes one message whose handler fails once, and compares the messages of both attempts. */
async function arrivesTwice(kit: Kit, options: Pick<PublishOptions, 'headers'>): Promise<void> {
  const queue = await kit.queue()
  const collector = await kit.collect(queue, kit.topic(), {
    handler: ({ attempt }) => {
      if (attempt === 1) throw new Error('once')
    },
  })
  const { id } = await queue.publish(kit.topic(), 1, options)
  await kit.until('both attempts', () => collector.handled.length >= 1, patience(kit, 50))
  await kit.quiet(() => collector.runs.length)
  assert.equal(collector.runs.length, 2, 'runs')
  for (const { message } of collector.runs) {
    assert.deepEqual({ ...message.headers }, options.headers)
    assert.deepEqual({ id: message.id, key: message.key }, { id, key: undefined })
  }
}
