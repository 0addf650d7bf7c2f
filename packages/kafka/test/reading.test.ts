import { until } from '@mq/test-brokers'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Feed } from '../src/driver/reading/reader.js'
import { Reading } from '../src/driver/reading/reading.js'
import { fetchedBroker, notLeader, slowCodec } from './support/fetching.js'

/** Opens readers that share a broker. `take` is called for each record that a reader gets. */
function readersOf(broker: ReturnType<typeof fetchedBroker>) {
  const reading = new Reading(broker.cluster, { requestTimeoutMs: 10_000 })
  return (take: (value: Buffer | undefined) => void = () => {}) => {
    const errors: unknown[] = []
    const values: string[] = []
    const reader = reading.open({
      kindOf: () => 'main',
      sink: {
        take({ records }) {
          for (const { value } of records) {
            values.push(String(value))
            take(value)
          }
        },
      },
      listener: {
        gap() {},
        replaced() {},
        missing() {},
        missingCodec() {},
        failing: (error) => void errors.push(error),
      },
    })
    onTestFinished(() => reader.stop())
    return { reader, values, errors, add: (topic: string, from = 0) => reader.add({ topic, partition: 0 }, from) }
  }
}

const count = (values: readonly string[], expected: number): Promise<boolean> =>
  until(() => values.length >= expected, { what: `${expected} records` })

describe('readers that share a session', () => {
  it('name a partition again only when it has to be read from another offset', async () => {
    const broker = fetchedBroker()
    const open = readersOf(broker)
    const { add, values } = open()
    for (const topic of ['a', 'b', 'c']) add(topic)
    await broker.append('b/0', 'b0')
    await count(values, 1)
    await until(() => broker.requests.length >= 2, { what: 'the next request' })
    expect(broker.requests.slice(0, 2).map(({ wanted, epoch }) => ({ epoch, wanted }))).toEqual([
      { epoch: 0, wanted: ['a', 'b', 'c'].map((topic) => ({ topic, partition: 0, from: 0 })) },
      { epoch: 1, wanted: [{ topic: 'b', partition: 0, from: 1 }] },
    ])
  })

  it('get every record of a partition once and in order, each from its own offset on', async () => {
    const broker = fetchedBroker()
    const open = readersOf(broker)
    const texts = Array.from({ length: 30 }, (_, index) => String(index))
    await broker.append('a/0', ...texts)
    const readers = Array.from({ length: 12 }, open)
    readers.forEach(({ add }, index) => void add('a', index))
    await Promise.all(readers.map(({ values }, index) => count(values, 30 - index)))
    await broker.append('a/0', '30')
    await Promise.all(readers.map(({ values }, index) => count(values, 31 - index)))
    expect(readers.map(({ values }) => values)).toEqual(readers.map((_, index) => [...texts, '30'].slice(index)))
  })

  it('share no bytes, so that one of them may change what it has read', async () => {
    const broker = fetchedBroker()
    const open = readersOf(broker)
    const buffers: (Buffer | undefined)[] = []
    for (let index = 0; index < 2; index++) open((value) => void buffers.push(value)).add('a')
    await broker.append('a/0', 'same')
    await until(() => buffers.length === 2, { what: 'both readers' })
    buffers[0]?.fill(0)
    expect(String(buffers[1])).toBe('same')
  })

  it('go on while one of them is full, and that one gets the rest when it is not full any more', async () => {
    const broker = fetchedBroker()
    const open = readersOf(broker)
    let feed: Feed | undefined
    const full = open(() => feed?.pause())
    const other = open()
    feed = full.add('a')
    other.add('b')
    await broker.append('a/0', 'a0', 'a1', 'a2', 'a3', 'a4')
    await count(full.values, 1)
    const taken = full.values.length
    await broker.append('b/0', ...Array.from({ length: 20 }, (_, index) => `b${index}`))
    await count(other.values, 20)
    expect(full.values).toHaveLength(taken)
    while (full.values.length < 5) {
      const before = full.values.length
      feed.resume()
      await count(full.values, before + 1)
    }
    expect(full.values).toEqual(['a0', 'a1', 'a2', 'a3', 'a4'])
  })

  it('go on while a partition of one of them has an error, which only that one hears of, once', async () => {
    const broker = fetchedBroker()
    const open = readersOf(broker)
    const [failing, other] = [open(), open()]
    failing.add('a')
    other.add('b')
    broker.fail('a/0', notLeader)
    await until(() => failing.errors.length > 0, { what: 'the error' })
    await broker.append('b/0', 'b0', 'b1', 'b2', 'b3')
    await count(other.values, 4)
    expect([failing.reader.isFailing, other.reader.isFailing]).toEqual([true, false])
    broker.fail('a/0', 0)
    await broker.append('a/0', 'a0')
    await count(failing.values, 1)
    await until(() => !failing.reader.isFailing, { what: 'the end of the failure' })
    expect([failing.errors, other.errors]).toMatchObject([[{ type: 'NOT_LEADER_FOR_PARTITION' }], []])
  })

  it('hear of an error once, also if an answer that brought it is still being read when they try again', async () => {
    slowCodec(500)
    const broker = fetchedBroker()
    const { add, values, errors } = readersOf(broker)()
    broker.fail('a/0', notLeader)
    await broker.appendPacked('b/0', 'b0')
    for (const topic of ['a', 'b']) add(topic)
    await count(values, 1)
    await until(() => broker.requests.length > 5, { what: 'further attempts' })
    expect(errors).toMatchObject([{ type: 'NOT_LEADER_FOR_PARTITION' }])
  })

  it('unpack one compressed batch at a time, also those that do not', async () => {
    const most = slowCodec(200)
    const broker = fetchedBroker()
    const open = readersOf(broker)
    const [first, second] = [open(), open()]
    const connections = (): number => new Set(broker.requests.map(({ connection }) => connection)).size
    first.add('a')
    await until(() => connections() === 1, { what: 'the first request' })
    second.add('b')
    await until(() => connections() === 2, { what: 'a request over another connection' })
    await Promise.all([broker.appendPacked('a/0', 'a0', 'a1'), broker.appendPacked('b/0', 'b0', 'b1')])
    await Promise.all([count(first.values, 2), count(second.values, 2)])
    expect(most()).toBe(1)
  })

  it.each([
    {
      title: 'the broker has forgotten it',
      lose: (broker: ReturnType<typeof fetchedBroker>) => broker.forgetSessions(),
    },
    {
      title: 'the broker keeps none',
      lose: (broker: ReturnType<typeof fetchedBroker>) => {
        broker.keepNoSessions()
        broker.forgetSessions()
      },
    },
  ])('begin again with all partitions when $title, and no failure is reported', async ({ lose }) => {
    const broker = fetchedBroker()
    const { add, values, errors } = readersOf(broker)()
    for (const topic of ['a', 'b']) add(topic)
    await broker.append('a/0', 'a0')
    await count(values, 1)
    await until(() => broker.requests.length >= 2, { what: 'a request in the session' })
    lose(broker)
    await broker.append('b/0', 'b0')
    await broker.append('a/0', 'a1')
    await count(values, 3)
    expect([values.toSorted(), errors]).toEqual([['a0', 'a1', 'b0'], []])
    const topics = broker.requests.filter(({ sessionId }) => sessionId === 0).map(({ wanted }) => wanted.length)
    expect(topics.length).toBeGreaterThan(1)
    expect(new Set(topics)).toEqual(new Set([2]))
  })

  it('drop what was read for a partition that was given up, also if it is read anew', async () => {
    const broker = fetchedBroker()
    const { add, values } = readersOf(broker)()
    const old = add('a', 0)
    await until(() => broker.requests.length === 1, { what: 'the first request' })
    old.close()
    add('a', 1)
    await broker.append('a/0', 'old', 'new')
    await count(values, 1)
    expect(values).toEqual(['new'])
  })
})
