import { brokers, shared } from '@mq/test-brokers'
import { type ChannelModel, connect, type Options, type SocketOptions } from 'amqplib'
import { beforeAll, describe, expect, it } from 'vitest'
import { eventually, freshTopic, open } from './support/open.js'

const frameMax = 8_192

type CreateClient = (url: Options.Connect, socketOptions: SocketOptions) => Promise<ChannelModel>

const smallFrames: CreateClient = (url, socketOptions) => connect({ ...url, frameMax }, socketOptions)

/** Writes what no broker accepts in place of each message that says `poison`. */
const poisoning: CreateClient = async (url, socketOptions) => {
  const opened = await smallFrames(url, socketOptions)
  const driver = opened.connection as unknown as {
    sendMessage: (...args: readonly unknown[]) => unknown
    sendBytes: (bytes: Buffer) => void
  }
  const send = driver.sendMessage.bind(driver)
  driver.sendMessage = (...args) => {
    if (String(args[5]) === '"poison"') driver.sendBytes(Buffer.from('frames begin with their type, and this does not'))
    return send(...args)
  }
  return opened
}

describe.skipIf(!brokers.wanted('rabbitmq'))('what does not fit a frame', () => {
  let url: string
  beforeAll(async () => {
    url = (await shared('rabbitmq')).url
  })

  async function opened(createClient: CreateClient) {
    const queue = await open({ url, createClient })
    const states: string[] = []
    const errors: unknown[] = []
    queue.on('state', ({ state }) => states.push(state))
    queue.on('error', ({ error, topic }) => errors.push([error.code, topic]))
    return { queue, states, errors, topic: freshTopic() }
  }

  it.each([
    ['one long text', { a: 'ü'.repeat(4_100) }],
    ['many short texts', Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`h${index}`, 'x'.repeat(150)]))],
  ])('is refused before it is sent, and the messages beside it are stored: %s', async (_, headers) => {
    const { queue, states, topic } = await opened(smallFrames)
    await queue.declareGroup(topic, 'workers')
    const beside = Array.from({ length: 6 }, (__, number) => queue.publish(topic, number))
    const tooLarge = queue.publish(topic, 1, { headers })
    beside.push(queue.publish(topic, 6))
    await expect(tooLarge).rejects.toMatchObject({
      code: 'MQ_MESSAGE_TOO_LARGE',
      message: expect.stringMatching(/headers.*8192/),
    })
    for (const { routed } of await Promise.all(beside)) expect(routed).toBe('yes')
    expect(states).toEqual([])
  })

  it('has a frame of exactly the negotiated size', async () => {
    const { queue, states, topic } = await opened(smallFrames)
    await queue.declareGroup(topic, 'workers')
    const stored = new Set<number>()
    for (let bytes = 7_600; bytes < 8_192; bytes += 7) {
      await queue.publish(topic, 1, { headers: { a: 'x'.repeat(bytes) } }).then(
        () => stored.add(bytes),
        ({ code }) => expect(code).toBe('MQ_MESSAGE_TOO_LARGE'),
      )
    }
    expect(stored.size).toBeGreaterThan(10)
    expect(stored.size).toBeLessThan(80)
    expect(states).toEqual([])
  })

  it('is a dead letter if it is a retry, with an error event', async () => {
    const { queue, states, errors, topic } = await opened(smallFrames)
    const innocent = freshTopic()
    await queue.declareGroup(innocent, 'workers')
    let runs = 0
    await queue.subscribe(
      topic,
      () => {
        runs += 1
        throw new Error(`no ${'x'.repeat(2_000)}`)
      },
      { retry: { attempts: 3, delayMs: 100 } },
    )
    await queue.publish(topic, 1, { headers: { a: 'x'.repeat(7_650) } })
    const beside = Array.from({ length: 12 }, (_, number) => queue.publish(innocent, number))
    for (const { routed } of await Promise.all(beside)) expect(routed).toBe('yes')
    await eventually(async () => (await queue.stats(topic)).dead === 1, 'the dead letter')
    expect(runs).toBe(1)
    expect(states).toEqual([])
    expect(errors).toContainEqual(['MQ_MESSAGE_TOO_LARGE', topic])
  })
})

describe.skipIf(!brokers.wanted('rabbitmq'))('what the broker closes a connection over', () => {
  it('is given up after three times, and what was in flight with it is stored', async () => {
    const { url } = await shared('rabbitmq')
    const queue = await open({ url, createClient: poisoning })
    const topic = freshTopic()
    await queue.declareGroup(topic, 'workers')
    const before = Array.from({ length: 6 }, (_, number) => queue.publish(topic, number))
    const poison = queue.publish(topic, 'poison')
    const after = Array.from({ length: 6 }, (_, number) => queue.publish(topic, number))
    await expect(poison).rejects.toMatchObject({
      code: 'MQ_PUBLISH_UNKNOWN',
      message: expect.stringMatching(/closed/i),
    })
    for (const { routed } of await Promise.all([...before, ...after])) expect(routed).toBe('yes')
  })
})
