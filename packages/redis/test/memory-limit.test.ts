import { createQueue, isMqError, type MqError } from '@mq/core'
import { redis } from '@mq/redis'
import { brokers, type RedisServer, redis as startRedis, until } from '@mq/test-brokers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { client, gate, newTopic, open } from './support/open.js'

const body = new Uint8Array(100 * 1024).fill(7)

describe.skipIf(!brokers.owned('redis'))('a Redis whose memory is full', () => {
  async function start(options: Parameters<typeof startRedis>[0]): Promise<RedisServer> {
    const server = await startRedis(options)
    onTestFinished(() => server.stop())
    return server
  }

  /** Publishes until the broker refuses. */
  async function fill(
    queue: Awaited<ReturnType<typeof open>>,
    topic: string,
  ): Promise<{ stored: number; error: MqError }> {
    for (let stored = 0; stored < 1_000; stored++) {
      try {
        await queue.publish(topic, body)
      } catch (error) {
        if (isMqError(error)) return { stored, error }
        throw error
      }
    }
    return expect.unreachable('it never became full')
  }

  it('rejects publishes at once, settles messages in flight, and then accepts messages again', async () => {
    const server = await start({ maxmemory: '12mb' })
    const queue = await open(server.url)
    const topic = newTopic()
    const { opened, open: release } = gate()
    let handled = 0
    let failed = 0
    await queue.declareGroup(topic, 'g')
    const { stored, error } = await fill(queue, topic)
    expect(error).toMatchObject({ code: 'MQ_PUBLISH_REJECTED', message: expect.stringMatching(/OOM/) })
    const startedAt = performance.now()
    await expect(queue.publish(topic, body)).rejects.toMatchObject({ code: 'MQ_PUBLISH_REJECTED' })
    expect(performance.now() - startedAt).toBeLessThan(1_000)
    await queue.subscribe(
      topic,
      async ({ attempt }) => {
        await opened
        if (attempt === 1 && failed < 3) {
          failed += 1
          throw new Error('tried again, and dead-lettered, although the memory is full')
        }
        handled += 1
      },
      { concurrency: 20, retry: { attempts: 2 } },
    )
    release()
    await until(() => handled === stored, { what: 'all that was stored to be handled', timeoutMs: 10_000 })
    await until(async () => (await queue.stats(topic)).inFlight === 0, { what: 'it to be settled' })
    expect(failed).toBe(3)
    // Messages that every group has finished are given up although they would be retained, because there is no other room.
    for (let round = 0; round < 2 * stored; round += 10) {
      await queue.publishAll(topic, Array(10).fill(body))
      await until(() => handled >= stored + round + 10, { what: 'them to be handled' })
    }
  })

  it.each(['allkeys-lru', 'allkeys-random'])(
    'is refused at connect when it would evict messages (%s)',
    async (policy) => {
      const server = await start({ maxmemory: '50mb', config: { 'maxmemory-policy': policy } })
      const queue = createQueue(redis({ url: server.url }))
      await expect(queue.connect()).rejects.toMatchObject({
        code: 'MQ_CONNECT_FAILED',
        message: expect.stringContaining(policy),
      })
      await (await open(server.url, { redis: { checkEviction: false } })).publish(newTopic(), 1)
      await (await client(server.url)).config('SET', 'maxmemory-policy', 'noeviction')
      await queue.connect()
      await queue.disconnect()
    },
  )

  it('warns if Redis writes no append-only file, unless checkPersistence is false', async () => {
    const server = await start({ config: { appendonly: 'no' } })
    const warnings: string[] = []
    const connect = async (checkPersistence: boolean): Promise<void> => {
      const queue = createQueue(redis({ url: server.url, checkPersistence }))
      queue.on('error', ({ error }) => warnings.push(error.message))
      await queue.connect()
      await queue.disconnect()
    }
    await connect(false)
    expect(warnings).toEqual([])
    await connect(true)
    expect(warnings).toEqual([expect.stringMatching(/append-only/)])
  })
})
