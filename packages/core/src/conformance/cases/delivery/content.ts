import assert from 'node:assert/strict'
import type { Delivery } from '../../../adapter.js'
import type { ConformanceCase } from '../../kit/case.js'
import { range } from '../../kit/expect.js'
import { consumeOptions, done, publishCall, rawMessage } from '../../kit/raw.js'

/** Tests which messages arrive, with which content and how often. */
export const deliveryContent: readonly ConformanceCase[] = [
  {
    id: 'DEL-1',
    title: 'each of 300 messages is handled once, as a first attempt, exactly as it was published',
    promises: [2, 3, 4],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const queue = await kit.queue()
      const ledger = kit.ledger(kit.topic())
      const data = (index: number): unknown => ({
        index,
        text: 'ä✓'.repeat(index % 50),
        nested: { list: [index, null] },
      })
      const collector = await ledger.collect(queue)
      await ledger.publish(queue, { count: 300, parallel: 50, data })
      assert.equal(ledger.published.size, 300, 'published messages')
      await ledger.check({ queue, duplicates: 0 })
      for (const run of collector.runs) {
        assert.deepEqual(run.data, data(Number(run.id.slice('m-'.length))), run.id)
        assert.equal(run.attempt, 1, `${run.id} began with attempt ${run.attempt}`)
        assert.equal(
          run.signal.aborted,
          false,
          `the signal of ${run.id} aborted, although its handler had it to the end`,
        )
      }
    },
  },
  {
    id: 'DEL-2',
    title: 'every field of a message reaches the handler, including the attributes of other programs',
    promises: [3, 14],
    level: 'required',
    async run(kit) {
      const [topic, adapter, queue] = [kit.topic(), await kit.connected(), await kit.queue()]
      const seen: Delivery[] = []
      const raw = { topic, group: 'raw' }
      await adapter.declareGroup(raw, { startFrom: 'latest' })
      await adapter.consume(raw, consumeOptions, async (delivery) => {
        seen.push(delivery)
        return done
      })
      const collector = await kit.collect(queue, topic)
      const sent = rawMessage({
        source: '/sign-up/eu?page=1#form',
        type: 'user.created.v2',
        time: '2026-01-02T03:04:05.678Z',
        contentType: 'application/vnd.acme+json; charset=utf-8',
        key: 'user/42 ✓',
        extensions: {
          traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
          tracestate: 'vendor=some-value',
          subject: 'users/ünïcode',
        },
        headers: { 'Tenant-Id': '42', locale: 'fr ✓' },
        body: Buffer.from('{"a":[1]}'),
      })
      await adapter.publish(topic, [sent], publishCall())
      await kit.until('the message in both groups', () => seen.length > 0 && collector.handled.length > 0)

      const { message, attempt, failure } = seen[0] as Delivery
      assert.deepEqual({ attempt, failure }, { attempt: 1, failure: undefined })
      assert.equal(message.contentType, sent.contentType)
      assert.deepEqual(
        { ...attributes(message), body: Buffer.from(message.body).toString() },
        {
          ...attributes(sent),
          body: '{"a":[1]}',
        },
      )
      const handled = collector.runs[0]?.message
      assert.deepEqual(handled && attributes(handled), attributes(sent))
      assert.deepEqual(handled?.data, { a: [1] })
      assert.equal(handled?.topic, topic)
    },
  },
  {
    id: 'DEL-3',
    title: 'fields that were not given are absent, and the time is that of the publish in every group',
    promises: [3],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue({ source: '/billing' })
      const collectors = [
        await kit.collect(queue, kit.topic()),
        await kit.collect(queue, kit.topic(), { group: 'other' }),
      ]
      const before = Date.now()
      await queue.publish(kit.topic(), 1)
      const after = Date.now()
      await kit.until('the message in both groups', () => collectors.every(({ handled }) => handled.length > 0))
      const messages = collectors.flatMap(({ runs }) => runs.map((run) => run.message))
      for (const { key, headers, extensions, source, type, time } of messages) {
        assert.deepEqual({ key, source, type }, { key: undefined, source: '/billing', type: kit.topic() })
        assert.deepEqual({ headers: { ...headers }, extensions: { ...extensions } }, { headers: {}, extensions: {} })
        assert.ok(
          time.getTime() >= before && time.getTime() <= after,
          `the time ${time.toISOString()} is not that of the publish`,
        )
      }
      assert.equal(
        new Set(messages.map(({ time }) => time.getTime())).size,
        1,
        'distinct times of one message in its groups',
      )
    },
  },
  {
    id: 'DEL-4',
    title: 'ten topics in parallel each get their own messages, each message once',
    promises: [2, 3],
    level: 'required',
    timeoutMs: 90_000,
    async run(kit) {
      const queue = await kit.queue()
      const ledgers = range(10).map((number) => kit.ledger(kit.topic(`t${number}`)))
      const collectors = await Promise.all(ledgers.map((ledger) => ledger.collect(queue)))
      await Promise.all(ledgers.map((ledger, number) => ledger.publish(queue, { count: 30, data: () => number })))
      await Promise.all(ledgers.map((ledger) => ledger.check({ queue, duplicates: 0 })))
      collectors.forEach(({ runs }, number) => {
        assert.deepEqual(
          runs.filter(({ data }) => data !== number).map(({ data }) => data),
          [],
          `messages of other topics reached t${number}`,
        )
      })
    },
  },
  {
    id: 'DEL-5',
    title: 'two queues of one process exchange messages from within their handlers',
    promises: [2, 8],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const [left, right] = [await kit.queue(), await kit.queue()]
      const rounds = 30
      const seen: number[] = []
      // With one handler at a time, a handler that publishes must not wait for itself.
      const collect = (queue: typeof left, from: string, to: string) =>
        kit.collect(queue, kit.topic(from), {
          concurrency: 1,
          handler: async ({ data }, context) => {
            seen.push(data as number)
            if ((data as number) < rounds) await context.queue.publish(kit.topic(to), (data as number) + 1)
          },
        })
      await collect(left, 'left', 'right')
      await collect(right, 'right', 'left')
      await left.publish(kit.topic('right'), 1)
      await kit.until(
        () => `${rounds} messages, one after the other; the last one was ${seen.at(-1)}`,
        () => seen.includes(rounds),
        { timeoutMs: 30_000 },
      )
      await kit.quiet(() => seen.length)
      assert.deepEqual(
        seen,
        range(rounds).map((number) => number + 1),
      )
    },
  },
]

type Attributes = Pick<Delivery['message'], 'id' | 'source' | 'type' | 'headers' | 'extensions'> & {
  readonly time: string | Date
  readonly key?: string | undefined
}

/** Returns the fields in a comparable form: without prototypes, and the time as a number. */
function attributes({ id, source, type, time, key, headers, extensions }: Attributes) {
  const instant = new Date(time).toISOString()
  return { id, source, type, time: instant, key, headers: { ...headers }, extensions: { ...extensions } }
}
