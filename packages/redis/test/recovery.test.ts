import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { brokers, child, proxy, type RedisServer, shared, redis as startRedis, until } from '@mq/test-brokers'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { client, newTopic, open } from './support/open.js'

interface Report {
  readonly type: 'ready' | 'started' | 'handled'
  readonly id?: string
  readonly attempt?: number
}

const worker = new URL('./children/worker.ts', import.meta.url)
const isReady = (reports: readonly Report[]): boolean => reports.some(({ type }) => type === 'ready')

describe.skipIf(!brokers.wanted('redis'))('recovery', () => {
  let url: string
  beforeAll(async () => {
    url = (await shared('redis')).url
  })

  /** A queue behind a link. `deliverUnseen` freezes it and delivers a message of which the only consumer does not learn. */
  async function reachedByLink() {
    const link = await proxy(await shared('redis'))
    onTestFinished(() => link.close())
    const [queue, publisher, admin, topic] = [await open(link.url), await open(url), await client(url), newTopic()]
    const stream = `mq:{${topic}}:stream`
    async function deliverUnseen(data: unknown): Promise<void> {
      const [[, name] = []] = (await admin.xinfo('CONSUMERS', stream, 'g')) as string[][]
      await link.freeze('both')
      await publisher.publish(topic, data)
      expect(await admin.xreadgroup('GROUP', 'g', String(name), 'STREAMS', stream, '>')).toHaveLength(1)
    }
    return { link, queue, topic, deliverUnseen }
  }

  it('runs the messages of a killed consumer again in time, and counts the crash', async () => {
    const queue = await open(url)
    const topic = newTopic()
    const dying = await child<Report>(worker, { args: [url, topic, '60000'] })
    await dying.waitFor(isReady, { what: 'the worker', timeoutMs: 20_000 })
    await queue.publishAll(topic, [1, 2, 3])
    await dying.waitFor((reports) => reports.filter(({ type }) => type === 'started').length === 3, {
      what: 'three runs',
    })
    await dying.kill()
    const diedAt = performance.now()
    const seen: number[] = []
    await queue.subscribe(topic, ({ attempt }) => void seen.push(attempt), { retry: { attempts: 10 } })
    await until(() => seen.length === 3, { what: 'them to run again', timeoutMs: 10_000 })
    expect(performance.now() - diedAt).toBeLessThan(queue.capabilities.redeliveryMs)
    expect(seen).toEqual([2, 2, 2])
  })

  it('gets a backlog over a link so slow that it takes far longer than visibilityMs, each message once', async () => {
    const queue = await open(url)
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    await queue.publishAll(
      topic,
      Array.from({ length: 30 }, () => new Uint8Array(40_000)),
    )
    const link = await proxy(await shared('redis'))
    onTestFinished(() => link.close())
    const reader = await open(link.url)
    await link.slow(300_000)
    const seen: string[] = []
    const handler = async ({ id }: { id: string }): Promise<void> => {
      seen.push(id)
      await new Promise((resolve) => setTimeout(resolve, 300))
    }
    await reader.subscribe(topic, handler, { concurrency: 100 })
    await until(async () => (await queue.stats(topic)).ready === 0 && (await queue.stats(topic)).inFlight === 0, {
      what: 'all of it',
      timeoutMs: 20_000,
    })
    expect(new Set(seen).size).toBe(30)
    expect(seen).toHaveLength(30)
  })

  it('gives up on a server that accepts the connection again and then stays silent, and finds the next one', async () => {
    const { host, port } = await shared('redis')
    let isMute = false
    const sockets = new Set<Socket>()
    const between = createServer((inside) => {
      sockets.add(inside.on('error', () => {}))
      if (isMute) return
      const outside = connect(port, host).on('error', () => {})
      inside.pipe(outside).pipe(inside)
    })
    await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      between.close()
      for (const socket of sockets) socket.destroy()
    })
    const through = new URL(url)
    through.port = String((between.address() as AddressInfo).port)
    const queue = await open(through.href, { redis: { connectTimeoutMs: 1_000, commandTimeoutMs: 500 } })
    const topic = newTopic()
    const seen: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void seen.push(data))
    isMute = true
    const muteFrom = sockets.size
    for (const socket of sockets) socket.destroy()
    await until(() => sockets.size >= muteFrom + 2, { what: 'it to come back', timeoutMs: 5_000 })
    isMute = false
    await queue.publish(topic, 1, { timeoutMs: 8_000 })
    await until(() => seen.length === 1, { what: 'the message', timeoutMs: 8_000 })
  })

  it('does not repeat a message whose handler takes longer than visibilityMs while its process lives', async () => {
    const queue = await open(url)
    const other = await open(url)
    const topic = newTopic()
    let runs = 0
    let aborted = false
    const handler = async (_: unknown, { signal }: { signal: AbortSignal }): Promise<void> => {
      runs += 1
      signal.addEventListener('abort', () => {
        aborted = true
      })
      await new Promise((resolve) => setTimeout(resolve, 5_000))
    }
    await queue.subscribe(topic, handler)
    await other.subscribe(topic, handler)
    await queue.publish(topic, 1)
    await until(async () => runs === 1 && (await queue.stats(topic)).inFlight === 0, {
      what: 'its end',
      timeoutMs: 8_000,
    })
    expect({ runs, aborted }).toEqual({ runs: 1, aborted: false })
  })

  it('finds messages whose delivery was lost on the way, and counts no attempt for it', async () => {
    const { link, queue, topic, deliverUnseen } = await reachedByLink()
    const seen: [unknown, number][] = []
    await queue.subscribe(topic, ({ data, attempt }) => void seen.push([data, attempt]), { concurrency: 50 })
    for (let round = 0; round < 5; round++) {
      await queue.publish(topic, `warm ${round}`)
      await until(() => seen.some(([data]) => data === `warm ${round}`), { what: 'the consumer to be there' })
      await deliverUnseen(round)
      await link.cut()
      await link.heal()
      await until(() => seen.some(([data]) => data === round), { what: 'the message', timeoutMs: 10_000 })
    }
    expect(seen).toHaveLength(10)
    expect(seen.every(([, attempt]) => attempt === 1)).toBe(true)
  })

  it('leaves the messages to others that it owns without knowing it', async () => {
    const { link, queue, topic, deliverUnseen } = await reachedByLink()
    const seen: unknown[] = []
    const subscription = await queue.subscribe(topic, ({ data }) => void seen.push(data))
    await queue.publish(topic, 'warm')
    await until(() => seen.includes('warm'), { what: 'the consumer to be there' })
    await deliverUnseen('unseen')
    await link.heal()
    await subscription.stop({ timeoutMs: 0 })
    const other = await open(url)
    await other.subscribe(topic, ({ data }) => void seen.push(data))
    await until(() => seen.includes('unseen'), { what: 'the message on its way', timeoutMs: 15_000 })
  })

  it('aborts a handler whose claim cannot be renewed before another consumer gets its message', async () => {
    const server = await shared('redis')
    const link = await proxy(server)
    onTestFinished(() => link.close())
    const cutOff = await open(link.url)
    const healthy = await open(url)
    const topic = newTopic()
    let abortedAt: number | undefined
    let reason: unknown
    await cutOff.subscribe(topic, async (_, { signal }) => {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      abortedAt = performance.now()
      reason = signal.reason
    })
    await healthy.publish(topic, 1)
    await until(async () => (await healthy.stats(topic)).inFlight === 1, { what: 'the first run' })
    await link.freeze('both')
    const runs: { at: number; attempt: number }[] = []
    await healthy.subscribe(topic, ({ attempt }) => void runs.push({ at: performance.now(), attempt }))
    await until(() => runs.length === 1, { what: 'the second run', timeoutMs: 10_000 })
    expect(abortedAt).toBeLessThanOrEqual(runs[0]?.at ?? 0)
    expect(reason).toMatchObject({ code: 'MQ_CONNECTION_LOST' })
    await link.heal()
    await until(() => cutOff.health().status === 'up', { what: 'the link', timeoutMs: 15_000 })
    expect(runs).toHaveLength(1)
  })

  it('leaves no consumers behind at the broker', async () => {
    const queue = await open(url)
    const topic = newTopic()
    for (let round = 0; round < 3; round++) {
      const subscription = await queue.subscribe(topic, () => {})
      await queue.publish(topic, round)
      await until(async () => (await queue.stats(topic)).ready === 0, { what: 'it to be read' })
      await subscription.stop()
    }
    expect(await (await client(url)).xinfo('CONSUMERS', `mq:{${topic}}:stream`, 'g')).toEqual([])
  })
})

describe.skipIf(!brokers.owned('redis'))('a broker that dies', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(async () => {
    await server?.stop()
  })

  it('loses no accepted message in three kills under load', async () => {
    const queue = await open(server.url, { queue: { publishTimeoutMs: 20_000 } })
    const topic = newTopic()
    const states: string[] = []
    queue.on('state', ({ state }) => states.push(state))
    const handled = new Map<string, number>()
    await queue.subscribe(topic, ({ id }) => void handled.set(id, (handled.get(id) ?? 0) + 1), { concurrency: 20 })
    const accepted: string[] = []
    let stop = false
    const load = Array.from({ length: 10 }, async (_, lane) => {
      for (let number = 0; !stop; number++) {
        await queue.publish(topic, number, { id: `${lane}-${number}` }).then(
          ({ id }) => accepted.push(id),
          () => {},
        )
      }
    })
    for (let round = 0; round < 3; round++) {
      const before = accepted.length
      await until(() => accepted.length > before + 100, { what: 'the load to flow', timeoutMs: 15_000 })
      await server.kill()
      await server.restart()
    }
    const before = accepted.length
    await until(() => accepted.length > before + 100, { what: 'the load to flow again', timeoutMs: 15_000 })
    stop = true
    await Promise.all(load)
    await until(() => accepted.every((id) => handled.has(id)), { what: 'all accepted ones', timeoutMs: 15_000 })
    await until(() => queue.health().status === 'up', { what: 'health' })
    expect(states.filter((state) => state === 'reconnecting').length).toBeGreaterThanOrEqual(3)
    expect((await queue.stats(topic)).dead).toBe(0)
  })
})
