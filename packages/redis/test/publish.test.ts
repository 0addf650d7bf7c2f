import { defaultMaxMessageBytes } from '@mq/core/adapter'
import { brokers, proxy, type RedisServer, shared, redis as startRedis, until } from '@mq/test-brokers'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { client, newTopic, open } from './support/open.js'

describe.skipIf(!brokers.wanted('redis'))('publishing', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await shared('redis')
  })

  it('stores a message once although its answer is lost several times', async () => {
    const link = await proxy(server)
    onTestFinished(() => link.close())
    const queue = await open(link.url)
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    for (let round = 0; round < 20; round++) {
      await link.dropAfter(0, 'out')
      await Promise.all([1, 2, 3].map((number) => queue.publish(topic, number)))
    }
    expect(await (await client(server.url)).xlen(`mq:{${topic}}:stream`)).toBe(60)
  })

  it('reports unknown and sends nothing twice if no ids are remembered', async () => {
    const link = await proxy(server)
    onTestFinished(() => link.close())
    const queue = await open(link.url, { redis: { dedupeMs: 0 } })
    expect(queue.capabilities.publishDedupeMs).toBe(0)
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    await link.dropAfter(0, 'out')
    await expect(queue.publish(topic, 1)).rejects.toMatchObject({ code: 'MQ_PUBLISH_UNKNOWN' })
    await until(() => queue.health().status === 'up', { what: 'the link to come back' })
    await queue.publish(topic, 2, { id: 'same' })
    await queue.publish(topic, 2, { id: 'same' })
    expect(await (await client(server.url)).xlen(`mq:{${topic}}:stream`)).toBe(3)
  })

  it('reports unknown if an answer was lost and the broker cannot be reached again', async () => {
    const link = await proxy(server)
    onTestFinished(() => link.close())
    const queue = await open(link.url)
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    // From now on the broker knows the script.
    await queue.publish(topic, 0)
    await link.dropAfter(0, 'out')
    await link.refuse()
    await expect(queue.publish(topic, 1, { timeoutMs: 700 })).rejects.toMatchObject({ code: 'MQ_PUBLISH_UNKNOWN' })
    expect(await (await client(server.url)).xlen(`mq:{${topic}}:stream`)).toBe(2)
  })

  it('remembers an id for at least its window, and forgets it soon after, however much is published meanwhile', async () => {
    const dedupeMs = 1_000
    const queue = await open(server.url, { redis: { dedupeMs } })
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    const admin = await client(server.url)
    let others = 0
    const startedAt = performance.now()
    await queue.publish(topic, 0, { id: 'same' })
    const isStoredAgain = async (): Promise<boolean> => {
      await queue.publish(topic, 0, { id: 'same' })
      others += 1
      await queue.publish(topic, others)
      return (await admin.xlen(`mq:{${topic}}:stream`)) === others + 2
    }
    await until(isStoredAgain, { what: 'the id to be forgotten', timeoutMs: 10 * dedupeMs })
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(dedupeMs)
  })

  it('rejects the one message of a batch that the broker refuses, and stores the others', async () => {
    const queue = await open(server.url)
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    const admin = await client(server.url)
    await admin.set(`mq:{${topic}}:delayed`, 'the value of another program')
    const publishing = [
      queue.publish(topic, 1),
      queue.publish(topic, 2, { id: 'later', delayMs: 1 }),
      queue.publish(topic, 3),
    ]
    const [first, refused, third] = await Promise.allSettled(publishing)
    expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'MQ_PUBLISH_REJECTED' } })
    expect([first, third].map((one) => one?.status)).toEqual(['fulfilled', 'fulfilled'])
    expect(await admin.xlen(`mq:{${topic}}:stream`)).toBe(2)
    await admin.del(`mq:{${topic}}:delayed`)
    await queue.publish(topic, 2, { id: 'later', delayMs: 1 })
    expect(await admin.zcard(`mq:{${topic}}:delayed`)).toBe(1)
  })

  it.each(['groups', 'listeners', 'ids', 'stream'])(
    'stores nothing of what it rejects because another program has taken a key: %s',
    async (name) => {
      const queue = await open(server.url)
      const topic = newTopic()
      const admin = await client(server.url)
      const key = `mq:{${topic}}:${name}`
      await admin.set(key, 'the value of another program')
      const publishing = [queue.publish(topic, 1), queue.publish(topic, 2, { delayMs: 60_000 })]
      const results = await Promise.allSettled(publishing)
      const code = 'MQ_PUBLISH_REJECTED'
      expect(results[0]).toMatchObject({ status: 'rejected', reason: { code } })
      await admin.del(key)
      expect(await admin.xlen(`mq:{${topic}}:stream`)).toBe(0)
      expect(await admin.zcard(`mq:{${topic}}:delayed`)).toBe(results[1]?.status === 'fulfilled' ? 1 : 0)
    },
  )

  it('keeps the order of messages across a lost answer', async () => {
    const link = await proxy(server)
    onTestFinished(() => link.close())
    const queue = await open(link.url)
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    const publishing: Promise<unknown>[] = []
    for (let number = 0; number < 200; number++) {
      publishing.push(queue.publish(topic, number))
      if (number % 50 === 25) await link.dropAfter(0, 'out')
      if (number % 10 === 0) await publishing.at(-1)
    }
    await Promise.all(publishing)
    const entries = await (await client(server.url)).xrange(`mq:{${topic}}:stream`, '-', '+')
    expect(entries.map(([, fields]) => Number(fields.at(-1)))).toEqual(
      Array.from({ length: 200 }, (_, number) => number),
    )
  })

  it('keeps the order of each key while the broker refuses some batches for a moment and accepts the next', async () => {
    const own = await startRedis()
    onTestFinished(() => own.stop())
    const link = await proxy(own)
    onTestFinished(() => link.close())
    const queue = await open(link.url)
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    const admin = await client(own.url)
    // The batches of one turn arrive one after the other, some of them while writes are refused.
    await link.slow(1_000_000)
    let isOver = false
    const toggle = (async () => {
      for (let wanted = 1; !isOver; wanted = 1 - wanted) {
        await admin.config('SET', 'min-replicas-to-write', wanted)
        await new Promise((resolve) => setTimeout(resolve, 30))
      }
    })()
    const filler = 'x'.repeat(1_000)
    const publish = (number: number) => queue.publish(topic, { number, filler }, { key: String(number % 3) })
    for (let round = 0; round < 5; round++) {
      await Promise.all(Array.from({ length: 150 }, (_, index) => publish(150 * round + index)))
    }
    isOver = true
    await toggle
    const entries = await admin.xrange(`mq:{${topic}}:stream`, '-', '+')
    const numbers = entries.map(([, fields]): number => JSON.parse(fields.at(-1) ?? '').number)
    expect(numbers).toHaveLength(750)
    for (const key of [0, 1, 2]) {
      const ofKey = numbers.filter((number) => number % 3 === key)
      expect(ofKey).toEqual([...ofKey].sort((a, b) => a - b))
    }
  })

  it('rejects a message that could not be sent in time as certainly not stored', async () => {
    const link = await proxy(server)
    onTestFinished(() => link.close())
    const queue = await open(link.url)
    const topic = newTopic()
    await link.refuse()
    await link.cut()
    await until(() => queue.health().status === 'down', { what: 'the loss to be noticed' })
    const startedAt = performance.now()
    await expect(queue.publish(topic, 1, { timeoutMs: 500 })).rejects.toMatchObject({ code: 'MQ_PUBLISH_REJECTED' })
    expect(performance.now() - startedAt).toBeLessThan(1_400)
    await link.heal()
    await queue.publish(topic, 2)
    expect(await (await client(server.url)).xlen(`mq:{${topic}}:stream`)).toBe(1)
  })

  it('stores a body of the maximum size, and refuses a larger one without disturbing other publishes', async () => {
    const queue = await open(server.url)
    const topic = newTopic()
    const seen: number[] = []
    await queue.subscribe(topic, ({ data }) => void seen.push((data as Uint8Array).length))
    const largest = new Uint8Array(defaultMaxMessageBytes - 3)
    const publishing = [1, 2, 3].map(() => queue.publish(topic, new Uint8Array(5)))
    await queue.publish(topic, largest, { id: 'abc' })
    await expect(queue.publish(topic, new Uint8Array(defaultMaxMessageBytes + 1))).rejects.toMatchObject({
      code: 'MQ_MESSAGE_TOO_LARGE',
    })
    await Promise.all(publishing)
    await until(() => seen.length === 4, { what: 'all four' })
    expect(seen.sort((a, b) => a - b)).toEqual([5, 5, 5, largest.length])
  })

  it('ends a publish that is under way at disconnect', async () => {
    const link = await proxy(server)
    onTestFinished(() => link.close())
    const queue = await open(link.url)
    const topic = newTopic()
    await link.freeze('out')
    const publishing = queue.publish(topic, 1).catch((error) => error)
    await queue.disconnect({ timeoutMs: 300 })
    expect(await publishing).toMatchObject({ code: expect.stringMatching(/MQ_PUBLISH_/) })
  })
})

describe.skipIf(!brokers.owned('redis'))('waiting for copies', () => {
  it('resolves once a replica has the message, and reports unknown while none has', async () => {
    const master = await startRedis()
    onTestFinished(() => master.stop())
    const waiting = (timeoutMs: number) => open(master.url, { redis: { waitForReplicas: { replicas: 1, timeoutMs } } })
    const hasty = await waiting(300)
    // On a busy machine a replica may take longer than a hasty publish waits, so the copies are counted for as long as it takes.
    const patient = await waiting(20_000)
    const topic = newTopic()
    await expect(hasty.publish(topic, 1)).rejects.toMatchObject({
      code: 'MQ_PUBLISH_UNKNOWN',
      message: expect.stringMatching(/0 of 1/),
    })
    const replica = await startRedis({ config: { replicaof: `${master.host} ${master.port}` } })
    onTestFinished(() => replica.stop())
    const copy = await client(replica.url)
    // The replica knows that it has everything before the master counts its confirmations.
    const source = await client(master.url)
    await until(async () => /^slave0:.*state=online/m.test(await source.info('replication')), {
      what: 'the replica',
      timeoutMs: 20_000,
    })
    await patient.publish(topic, 2)
    expect(await copy.xlen(`mq:{${topic}}:stream`)).toBe(2)
    // The broker no longer knows the script, so it is sent with its source. The copies of this second sending count.
    await source.script('FLUSH')
    const isConfirmed = (info: string): boolean =>
      /^slave0:.*offset=(\d+)/m.exec(info)?.[1] === /^master_repl_offset:(\d+)/m.exec(info)?.[1]
    await until(async () => isConfirmed(await source.info('replication')), { what: 'all to be confirmed' })
    await replica.pause()
    await expect(hasty.publish(topic, 3)).rejects.toMatchObject({
      code: 'MQ_PUBLISH_UNKNOWN',
      message: expect.stringMatching(/0 of 1/),
    })
    await replica.resume()
    await source.script('FLUSH')
    await patient.publish(topic, 4)
    expect(await copy.xlen(`mq:{${topic}}:stream`)).toBe(4)
  })

  it('is refused at connect by a Redis that has no WAITAOF', async () => {
    const server = await shared('redis')
    const [major = 0, minor = 0] = (server.version ?? '').split('.').map(Number)
    const opening = open(server.url, { redis: { waitForAof: { local: 1, replicas: 0, timeoutMs: 500 } } })
    if (major > 7 || (major === 7 && minor >= 2)) {
      const queue = await opening
      await queue.publish(newTopic(), 1)
    } else await expect(opening).rejects.toMatchObject({ code: 'MQ_CONNECT_FAILED' })
  })
})
