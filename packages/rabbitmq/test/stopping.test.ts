import { brokers, proxy, type RabbitServer, shared } from '@mq/test-brokers'
import { beforeAll, describe, expect, it } from 'vitest'
import { eventually, freshTopic, open, pause } from './support/open.js'

describe.skipIf(!brokers.wanted('rabbitmq'))('stopping and ephemeral subscriptions', () => {
  let server: RabbitServer
  beforeAll(async () => {
    server = await shared('rabbitmq')
  })

  it('what a stop takes from a handler runs again as the same attempt', async () => {
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
      await subscription.stop({ deadlineMs: 0 })
    }
    expect(attempts).toEqual([1, 1, 1])
    expect((await queue.stats(topic)).ready).toBe(1)
  })

  it('what is handled in time is not given back, and an idle stop is over at once', async () => {
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
    expect((await queue.stats(topic)).ready).toBe(20 - ended)
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
    await eventually(() => lost.length === 1, 'the gap to be told')
    await eventually(async () => (await queue.publish(topic, 'after')).routed === 'yes', 'it to be back')
    await eventually(() => got.includes('after'), 'the message after')
    await subscription.stop()
    expect((await queue.publish(topic, 'late')).routed).toBe('no')
    await link.close()
  })
})
