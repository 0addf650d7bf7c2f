import { brokers, proxy, type RabbitServer, shared } from '@mq/test-brokers'
import { connect } from 'amqplib'
import { beforeAll, describe, expect, it } from 'vitest'
import { namespaceFor } from '../src/topology/names.js'
import { eventually, freshTopic, open, pause } from './support/open.js'
import { onRaw } from './support/raw.js'

const names = namespaceFor('mq')

describe.skipIf(!brokers.wanted('rabbitmq'))('stopping and ephemeral subscriptions', () => {
  let server: RabbitServer
  beforeAll(async () => {
    server = await shared('rabbitmq')
  })

  it('a message that a stop takes from its handler runs again as the same attempt', async () => {
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    const attempts: number[] = []
    for (let times = 0; times < 3; times++) {
      const before = attempts.length
      const subscription = await queue.subscribe(topic, ({ attempt }) => {
        attempts.push(attempt)
        return new Promise(() => {})
      })
      if (times === 0) await queue.publish(topic, 1)
      await eventually(() => attempts.length > before, 'the handler')
      await subscription.stop({ timeoutMs: 0 })
    }
    expect(attempts).toEqual([1, 1, 1])
    await eventually(async () => (await queue.stats(topic)).ready === 1, 'the message to be back')
  })

  it('messages that the broker delivers after a stop, because it was late, come back', async () => {
    const link = await proxy(server)
    const stopping = await open({ url: link.url })
    const other = await open({ url: server.url })
    const topic = freshTopic()
    const got: unknown[] = []
    const subscription = await stopping.subscribe(topic, ({ data }) => void got.push(data), { concurrency: 5 })
    await link.freeze('in')
    await subscription.stop({ timeoutMs: 100 })
    await other.publishAll(topic, [1, 2, 3])
    await eventually(async () => (await other.stats(topic)).ready === 0, 'them to be handed out')
    await link.heal()
    await eventually(async () => (await other.stats(topic)).ready === 3, 'them to be back', 5_000)
    expect(got).toEqual([])
    await link.close()
  })

  it('a consumer that is stopped while it starts runs no handler', async () => {
    const link = await proxy(server)
    const publisher = await open({ url: server.url })
    const topic = freshTopic()
    await publisher.declareGroup(topic, 'workers')
    await publisher.publish(topic, 1)
    let isFrozen = false
    const queue = await open({
      url: link.url,
      async createClient(url, socketOptions) {
        const connection = await connect(url, socketOptions)
        const createChannel = connection.createChannel.bind(connection)
        connection.createChannel = async () => {
          const channel = await createChannel()
          const consume = channel.consume.bind(channel)
          channel.consume = async (...call) => {
            await link.freeze('out')
            isFrozen = true
            return consume(...call)
          }
          return channel
        }
        return connection
      },
    })
    let runs = 0
    const subscribing = queue
      .subscribe(topic, () => {
        runs += 1
      })
      .catch(() => undefined)
    await eventually(() => isFrozen, 'it to begin')
    const leaving = queue.disconnect({ timeoutMs: 2_000 })
    await pause(300)
    await link.heal()
    await Promise.all([leaving, subscribing])
    expect(runs).toBe(0)
    await eventually(async () => (await publisher.stats(topic)).ready === 1, 'the message to be back')
    await link.close()
  })

  it('an ordered subscription that stood by leaves no channel open', async () => {
    const queue = await open({
      url: server.url,
      createClient: (url, socketOptions) => connect({ ...(url as object), channelMax: 8 }, socketOptions),
    })
    const topic = freshTopic()
    const errors: unknown[] = []
    queue.on('error', ({ error }) => errors.push(error))
    await queue.subscribe(topic, () => {}, { ordered: true })
    for (let times = 0; times < 10; times++) {
      const standby = await queue.subscribe(topic, () => {}, { ordered: true })
      await standby.stop()
    }
    expect(errors).toEqual([])
  })

  it('a stop gives back messages that cannot be copied, too', async () => {
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    let runs = 0
    const subscription = await queue.subscribe(topic, () => {
      runs += 1
      return new Promise(() => {})
    })
    await onRaw(server.url, async (channel) => {
      // The driver can write this header, but no further one.
      const headers = { large: 'x'.repeat(65_500) }
      channel.publish(names.topic(topic), '', Buffer.from('1'), { headers })
      await channel.waitForConfirms()
    })
    await eventually(() => runs === 1, 'the handler')
    await subscription.stop({ timeoutMs: 0 })
    await eventually(async () => (await queue.stats(topic)).ready === 1, 'it to be back')
    expect((await queue.stats(topic)).dead).toBe(0)
  })

  it('a message handled in time is not given back, and an idle consumer stops at once', async () => {
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    let ended = 0
    const subscription = await queue.subscribe(
      topic,
      async () => {
        await pause(200)
        ended += 1
      },
      { concurrency: 5 },
    )
    await queue.publishAll(
      topic,
      Array.from({ length: 20 }, (_, number) => number),
    )
    await eventually(() => ended > 0, 'the first handlers')
    await subscription.stop()
    await eventually(async () => (await queue.stats(topic)).ready === 20 - ended, 'the others to be back')
    const idle = await queue.subscribe(freshTopic(), () => {})
    const startedAt = Date.now()
    await idle.stop()
    expect(Date.now() - startedAt).toBeLessThan(500)
  })

  it('an ephemeral subscription gets everything from now on, and leaves nothing behind', async () => {
    const link = await proxy(server)
    const queue = await open({ url: link.url })
    const topic = freshTopic()
    await queue.publish(topic, 'before')
    const got: unknown[] = []
    const lost: unknown[] = []
    queue.on('data-loss', (event) => lost.push(event))
    const subscription = await queue.subscribe(topic, ({ data }) => void got.push(data), { ephemeral: true })
    expect((await queue.publish(topic, 'now')).routed).toBe('yes')
    await queue.publish(topic, 'soon', { delayMs: 100 })
    await eventually(() => got.length === 2, 'both')
    await link.cut()
    await eventually(() => lost.length === 1, 'the gap to be reported')
    await eventually(async () => (await queue.publish(topic, 'after')).routed === 'yes', 'it to be back')
    await eventually(() => got.includes('after'), 'the message after')
    await subscription.stop()
    expect((await queue.publish(topic, 'late')).routed).toBe('no')
    await link.close()
  })
})
