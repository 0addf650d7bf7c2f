import { randomUUID } from 'node:crypto'
import { type Message, openQueue, type Queue } from '@mq/core'
import { brokers, shared } from '@mq/test-brokers'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Broker, base64, readInPython, runExample, type Written, writeInPython } from './python.js'

const text = { größe: 'XL – 特大 🎈', "quote's": '"\\\n\u0000' }
const bytes = Uint8Array.from({ length: 256 }, (_, index) => index)
const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

const noTest = (_title: string, _test: () => Promise<void>): void => {}

describe.each(['rabbitmq', 'redis', 'kafka'] as const)('%s', (broker) => {
  describe.skipIf(!brokers.wanted(broker))('beside Python', () => {
    let url: string
    beforeAll(async () => {
      url = (await shared(broker)).url
    })

    const open = async (): Promise<Queue> => {
      const queue = await openQueue(url, { group: 'typescript', source: '/shop' })
      onTestFinished(() => queue.disconnect())
      return queue
    }
    const freshTopic = (): string => `interop.${randomUUID()}`

    /** Defines a test that applies to some brokers only. */
    const itOn = (...kinds: readonly Broker[]) => (kinds.includes(broker) ? it : noTest)

    /** Returns the messages that our consumer reads of those that Python writes, by their id. */
    async function received(queue: Queue, topic: string, messages: readonly Written[]) {
      const got: Message[] = []
      await queue.subscribe(topic, (message) => void got.push(message))
      await writeInPython({ broker, url, topic }, messages)
      await expect.poll(() => got.length, { timeout: 30_000 }).toBe(messages.length)
      return (id: string) => got.find((message) => message.id === id)
    }

    it('the Python of the README publishes what we read, and reads what we publish', async () => {
      const queue = await open()
      const got: Message[] = []
      await queue.subscribe('order.paid', (message) => void got.push(message))
      const publisher = runExample({ broker, url }, 'publish')
      await publisher.ended
      await expect.poll(() => got.length, { timeout: 30_000 }).toBe(1)
      const [{ id, key, data, headers, source, time } = {} as Message] = got
      expect({ key, data, source, headers: { ...headers } }).toEqual({
        key: 'customer-3',
        data: { order: 7 },
        source: '/billing',
        headers: { tenant: 'acme' },
      })
      expect(Math.abs(time.getTime() - Date.now())).toBeLessThan(60_000)

      const reader = runExample({ broker, url }, 'read')
      if (broker === 'rabbitmq') expect(await reader.line()).toBe('waiting')
      else expect(await reader.line()).toBe(`${id} customer-3 {'order': 7}`)
      await queue.publish('order.paid', { order: 8 }, { id: 'eight', key: 'customer-3' })
      expect(await reader.line()).toBe("eight customer-3 {'order': 8}")
    })

    it('we read a whole event: identity, time, key, extensions, headers and data, whatever the letters', async () => {
      const topic = freshTopic()
      const written: Written = {
        attributes: {
          specversion: '1.0',
          id: 'größe-1',
          source: '/python',
          type: 'com.example.sized',
          time: '2026-03-29T02:30:00.123456+02:00',
          partitionkey: 'kundin-ä',
          traceparent,
        },
        contentType: 'application/json',
        headers: { tenant: 'grün – 緑', 'Upper-Case': '1' },
        key: 'kundin-ä',
        body: base64(JSON.stringify(text)),
      }
      const find = await received(await open(), topic, [written])
      const { id, source, type, time, key, extensions, headers, data } = find('größe-1') ?? ({} as Message)
      expect({ id, source, type, key, data, extensions: { ...extensions }, headers: { ...headers } }).toEqual({
        id: 'größe-1',
        source: '/python',
        type: 'com.example.sized',
        key: 'kundin-ä',
        data: text,
        extensions: { traceparent },
        headers: { tenant: 'grün – 緑', 'Upper-Case': '1' },
      })
      expect(time.toISOString()).toBe('2026-03-29T00:30:00.123Z')
    })

    it('we read bytes as bytes, text as text, and a body without a content type as JSON', async () => {
      const topic = freshTopic()
      const named = (id: string) => ({ attributes: { specversion: '1.0', id, source: '/python', type: 'made' } })
      const whole = JSON.stringify({ ...named('whole').attributes, data: { in: 'structured mode' } })
      const find = await received(await open(), topic, [
        { ...named('bytes'), contentType: 'application/octet-stream', body: base64(bytes) },
        { ...named('text'), contentType: 'text/plain; charset=utf-8', body: base64('grün') },
        { ...named('json'), body: base64('[1,"zwei"]') },
        { ...named('own'), contentType: 'application/vnd.acme+json', body: base64('{"a":1}') },
        { contentType: 'application/cloudevents+json; charset=UTF-8', body: base64(whole) },
      ])
      expect(find('bytes')?.data).toEqual(bytes)
      expect(find('text')?.data).toBe('grün')
      expect(find('json')?.data).toEqual([1, 'zwei'])
      expect(find('own')?.data).toEqual({ a: 1 })
      expect(find('whole')).toMatchObject({ source: '/python', type: 'made', data: { in: 'structured mode' } })
    })

    it('we take a body without any attribute, with an id and a time of its own', async () => {
      const queue = await open()
      const topic = freshTopic()
      const got: Message[] = []
      await queue.subscribe(topic, (message) => void got.push(message))
      await writeInPython({ broker, url, topic }, [{ body: base64('{"order":7}') }, { body: base64('{"order":8}') }])
      await expect.poll(() => got.length, { timeout: 30_000 }).toBe(2)
      expect(got.map(({ data }) => JSON.stringify(data)).toSorted()).toEqual(['{"order":7}', '{"order":8}'])
      expect(new Set(got.map(({ id }) => id)).size).toBe(2)
      for (const { id, type, time } of got) {
        expect([id.length > 0, type]).toEqual([true, topic])
        expect(Math.abs(time.getTime() - Date.now())).toBeLessThan(60_000)
      }
    })

    it('we dead-letter a body that its content type does not describe, with its bytes', async () => {
      const queue = await open()
      const topic = freshTopic()
      await queue.subscribe(topic, () => {})
      await writeInPython({ broker, url, topic }, [{ contentType: 'application/json', body: base64('{"order":') }])
      const dead = queue.deadLetters(topic)
      await expect.poll(async () => (await dead.list()).length, { timeout: 30_000 }).toBe(1)
      const [letter] = await dead.list()
      expect(letter?.failure.reason).toBe('undecodable')
      expect(Buffer.from(letter?.message.body ?? []).toString()).toBe('{"order":')
    })

    itOn('rabbitmq', 'kafka')('we read what the CloudEvents SDK for Python writes, its time too', async () => {
      const topic = freshTopic()
      const sdk = {
        id: 'sdk',
        source: '/sdk',
        type: 'made',
        time: '2026-01-02T03:04:05.678+00:00',
        partitionkey: 'k',
        traceparent,
      }
      const find = await received(await open(), topic, [
        { sdk: { ...sdk, datacontenttype: 'application/json' }, body: base64(JSON.stringify(text)) },
      ])
      const { source, type, time, key, extensions, data } = find('sdk') ?? ({} as Message)
      expect({ source, type, key, data, extensions: { ...extensions } }).toEqual({
        source: '/sdk',
        type: 'made',
        key: 'k',
        data: text,
        extensions: { traceparent },
      })
      expect(time.toISOString()).toBe('2026-01-02T03:04:05.678Z')
    })

    itOn('rabbitmq')("we read a time of AMQP's own type, in seconds", async () => {
      const topic = freshTopic()
      const attributes = { specversion: '1.0', id: 'native', source: '/python', type: 'made' }
      const find = await received(await open(), topic, [
        { attributes, nativeTime: '2026-01-02T03:04:05+00:00', body: base64('1') },
      ])
      expect(find('native')?.time.toISOString()).toBe('2026-01-02T03:04:05.000Z')
    })

    itOn('kafka')('with its own key alone, a record has that key, on the partition where we put it', async () => {
      const topic = freshTopic()
      const place = { broker, url, topic }
      const queue = await open()
      await queue.declareGroup(topic, 'typescript')
      const keys = Array.from({ length: 20 }, (_, index) => `kundin-ä-${index}`)
      await writeInPython(
        place,
        keys.map((key) => ({ key, body: base64('"python"') })),
      )
      await queue.publishAll(
        topic,
        keys.map(() => 'typescript'),
        { key: (_, index) => keys[index] as string },
      )
      const reader = await readInPython(place, 2 * keys.length)
      const found = await reader.messages()
      const placed = (who: string) =>
        Object.fromEntries(
          found.filter(({ body }) => body === base64(`"${who}"`)).map((each) => [each.key, each.partition]),
        )
      expect(Object.keys(placed('typescript'))).toHaveLength(keys.length)
      expect(placed('python')).toEqual(placed('typescript'))
    })

    itOn('rabbitmq', 'redis')('Python reads what was published with a delay once it is due', async () => {
      const topic = freshTopic()
      const queue = await open()
      await queue.subscribe(topic, () => {})
      const reader = await readInPython({ broker, url, topic }, 2)
      await queue.publish(topic, 'later', { id: 'later', delayMs: 500 })
      await queue.publish(topic, 'now', { id: 'now' })
      expect((await reader.messages()).map(({ attributes }) => attributes.id)).toEqual(['now', 'later'])
    })

    it('Python reads the CloudEvent that we publish, each attribute, and its data to the last byte', async () => {
      const topic = freshTopic()
      const queue = await open()
      const times = new Map<string, string>()
      await queue.subscribe(topic, ({ id, time }) => void times.set(id, time.toISOString()))
      const reader = await readInPython({ broker, url, topic }, 2)
      await queue.publish(topic, text, {
        id: 'größe-1',
        key: 'kundin-ä',
        headers: { tenant: 'grün – 緑', 'Upper-Case': '1' },
        extensions: { traceparent },
      })
      await queue.publish(topic, bytes, { id: 'bytes' })
      await expect.poll(() => times.size, { timeout: 30_000 }).toBe(2)
      const found = await reader.messages()
      const event = found.find(({ attributes }) => attributes.id === 'größe-1')
      const attributes = {
        specversion: '1.0',
        id: 'größe-1',
        source: '/shop',
        type: topic,
        time: times.get('größe-1'),
        partitionkey: 'kundin-ä',
        traceparent,
      }
      expect(event?.attributes).toEqual(attributes)
      expect(event?.headers).toEqual({ tenant: 'grün – 緑', 'Upper-Case': '1' })
      expect(event?.contentType).toBe('application/json')
      expect(JSON.parse(Buffer.from(event?.body ?? '', 'base64').toString())).toEqual(text)

      const raw = found.find(({ attributes: { id } }) => id === 'bytes')
      expect(raw?.contentType).toBe('application/octet-stream')
      expect(raw?.body).toBe(base64(bytes))
      expect(raw?.attributes.partitionkey).toBeUndefined()

      if (broker !== 'redis') {
        // CloudEvents has no binding for Redis, so the SDK has none.
        const time = times.get('größe-1')?.replace('Z', '+00:00')
        expect(event?.sdk).toEqual({
          attributes: { ...attributes, time, datacontenttype: 'application/json' },
          data: text,
        })
        expect(raw?.sdk?.data).toEqual({ base64: base64(bytes) })
      }
      if (broker === 'kafka') expect([event?.key, raw?.key]).toEqual(['kundin-ä', null])
      if (broker === 'rabbitmq') {
        expect(event?.messageId).toBe('größe-1')
        expect(event?.timestamp).toBe(Math.floor(Date.parse(times.get('größe-1') ?? '') / 1_000))
      }
    })
  })
})
