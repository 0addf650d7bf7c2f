import { setTimeout as sleep } from 'node:timers/promises'
import { type BrokerProxy, brokers, type KafkaServer, kafka, proxy, until } from '@mq/test-brokers'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { newTopic, open } from './support/open.js'
import { committedOffsets } from './support/outside.js'

const times = { sessionTimeoutMs: 3_000, requestTimeoutMs: 3_000 } as const

describe.skipIf(!brokers.owned('kafka'))('trouble', () => {
  let server: KafkaServer

  beforeAll(async () => {
    const config = { 'group.min.session.timeout.ms': '1000', 'offset.metadata.max.bytes': '200' }
    server = await kafka({ config, heapMb: 300 })
  })
  afterAll(async () => {
    await server?.stop()
  })
  const link = async (): Promise<BrokerProxy> => {
    const made = await proxy(server)
    onTestFinished(() => made.close())
    return made
  }

  it('of a frozen link ends ownership on both sides: the message runs elsewhere, once, and the consumer recovers', async () => {
    const frozen = await link()
    const { queue, events } = await open({ url: frozen.url, ...times })
    const { queue: other } = await open({ url: server.url, ...times })
    const topic = newTopic()
    const signals: AbortSignal[] = []
    const late: (() => void)[] = []
    const subscription = await queue.subscribe(topic, (_, { signal }) => {
      signals.push(signal)
      return new Promise<void>((resolve) => late.push(resolve))
    })
    await other.publish(topic, 1)
    await until(() => signals.length === 1, { what: 'the handler' })
    await frozen.freeze('both')
    const seen: number[] = []
    await other.subscribe(topic, ({ attempt }) => void seen.push(attempt))
    await until(() => seen.length === 1, { what: 'the message to run elsewhere', timeoutMs: 15_000 })
    await until(() => signals[0]?.aborted === true, { what: 'the signal', timeoutMs: 5_000 })
    expect(signals[0]?.reason.code).toBe('MQ_OWNERSHIP_LOST')
    await until(() => events.some((event) => event.type === 'state' && event.state === 'reconnecting'), {
      what: 'the loss of the connection to be told',
      timeoutMs: 10_000,
    })
    expect(queue.health().status).toBe('down')
    for (const resolve of late) resolve()
    await frozen.heal()
    await until(() => queue.health().status === 'up', { what: 'the consumer to be back', timeoutMs: 20_000 })
    await subscription.stop()
    expect(seen).toEqual([1])
  })

  it('of a coordinator that cannot be told repeats what was running then, and nothing that was finished', async () => {
    const frozen = await link()
    const { queue } = await open({ url: frozen.url, ...times })
    const { queue: publisher } = await open({ url: server.url, ...times })
    const topic = newTopic()
    const runs = new Map<unknown, number>()
    let finish = (): void => undefined
    const finishing = new Promise<void>((resolve) => {
      finish = resolve
    })
    let lost: AbortSignal | undefined
    const handler = async ({ data }: { readonly data: unknown }, { signal }: { readonly signal: AbortSignal }) => {
      runs.set(data, (runs.get(data) ?? 0) + 1)
      if (data !== 'running') return await finishing
      if (lost !== undefined) return
      lost = signal
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
    }
    await queue.subscribe(topic, handler, { concurrency: 11 })
    const finished = Array.from({ length: 10 }, (_, number) => number)
    for (const data of [...finished, 'running']) await publisher.publish(topic, data)
    await until(() => runs.size === 11, { what: 'all handlers to run' })
    await frozen.freeze('both')
    finish()
    await until(() => lost?.aborted === true, { what: 'the group to be lost', timeoutMs: 20_000 })
    await frozen.heal()
    await until(() => runs.get('running') === 2, { what: 'the lost message to run again', timeoutMs: 30_000 })
    await publisher.publish(topic, 'last')
    await until(() => runs.has('last'), { what: 'another message', timeoutMs: 20_000 })
    expect(finished.map((data) => runs.get(data))).toEqual(finished.map(() => 1))
  })

  it('of a link that is cut again and again loses nothing, and ends in good health', async () => {
    const hurt = await link()
    const { queue } = await open({ url: hurt.url, ...times })
    const topic = newTopic()
    const seen = new Set<unknown>()
    await queue.subscribe(topic, async ({ data }) => {
      await sleep(5)
      seen.add(data)
    })
    const stored: number[] = []
    for (let round = 0; round < 5; round++) {
      const batch = Promise.all(
        Array.from({ length: 40 }, async (_, index) => {
          const number = round * 40 + index
          await queue.publish(topic, number, { timeoutMs: 15_000 })
          stored.push(number)
        }),
      )
      await sleep(20)
      await hurt.cut()
      await batch
    }
    await until(() => stored.every((number) => seen.has(number)), { what: 'all of them', timeoutMs: 20_000 })
    await until(() => queue.health().status === 'up', { what: 'good health', timeoutMs: 10_000 })
    expect(stored).toHaveLength(200)
  })

  it('of a broker that accepts little metadata beside an offset is reported once, and the offset is committed', async () => {
    const { queue, events } = await open({ url: server.url, ...times, partitions: 1 })
    const topic = newTopic()
    const released: (() => void)[] = []
    await queue.subscribe(
      topic,
      async (message) => {
        const data = message.data as number
        // Every second one stays open, so that the progress is long.
        if (data % 2 === 0) await new Promise<void>((resolve) => released.push(resolve))
      },
      { concurrency: 100 },
    )
    for (let count = 0; count < 160; count++) await queue.publish(topic, count)
    await until(() => released.length === 80, { what: 'all to be there' })
    const told = () => events.flatMap((event) => (event.type === 'error' ? [event.error.message] : []))
    await until(() => told().length > 0, { what: 'the refusal to be told' })
    for (const resolve of released.slice(0, 10)) resolve()
    // Far too much progress is still to be committed.
    await until(async () => (await committedOffsets(server, { topic, group: 'g' })) === 20, { what: 'the commit' })
    for (const resolve of released) resolve()
    await until(async () => (await committedOffsets(server, { topic, group: 'g' })) === 160, { what: 'the rest' })
    expect(told()).toEqual([expect.stringContaining('cannot commit how far it is')])
  })

  it('of a broker that is killed loses no message, no retry, no delay and no dead letter', {
    timeout: 120_000,
  }, async () => {
    const { queue } = await open({ url: server.url, ...times })
    const topic = newTopic()
    const runs = new Map<unknown, number[]>()
    const retry = { attempts: 2, backoff: 'fixed', delayMs: 4_000, jitter: 'none' } as const
    await queue.subscribe(
      topic,
      ({ data, attempt }) => {
        runs.set(data, [...(runs.get(data) ?? []), attempt])
        if (data === 'retried' && attempt === 1) throw new Error('first')
        if (data === 'dead') throw new Error('always')
      },
      { retry },
    )
    const sentAt = Date.now()
    await queue.publish(topic, 'retried')
    await queue.publish(topic, 'dead')
    await queue.publish(topic, 'delayed', { delayMs: 6_000 })
    await until(() => runs.size === 2, { what: 'the first runs' })
    await server.kill()
    const during = queue.publish(topic, 'during', { timeoutMs: 60_000 })
    await server.restart()
    await during
    await until(() => runs.get('retried')?.includes(2) && runs.has('delayed') && runs.has('during'), {
      what: 'everything to run',
      timeoutMs: 40_000,
    })
    expect(Date.now() - sentAt).toBeGreaterThanOrEqual(6_000)
    const dead = queue.deadLetters(topic, 'g')
    await until(async () => (await dead.list()).length > 0, { what: 'the dead letter', timeoutMs: 20_000 })
    const letters = await dead.list()
    // A message whose retry was stored and not yet finished when the broker died runs again, and then dies twice.
    const lastRuns = runs.get('dead')?.filter((attempt) => attempt === 2) ?? []
    expect(letters.length).toBeLessThanOrEqual(lastRuns.length)
    expect(new Set(letters.map(({ data }) => data))).toEqual(new Set(['dead']))
    await until(() => queue.health().status === 'up', { what: 'good health', timeoutMs: 20_000 })
  })

  it('of a broker that is gone does not keep a consumer from stopping at its timeout', async () => {
    const hurt = await link()
    const { queue } = await open({ url: hurt.url, ...times })
    const topic = newTopic()
    let started = false
    await queue.subscribe(topic, () => {
      started = true
      return new Promise<void>(() => {})
    })
    await queue.publish(topic, 1)
    await until(() => started, { what: 'the handler' })
    await hurt.freeze('both')
    const startedAt = performance.now()
    await queue.disconnect({ timeoutMs: 500 })
    expect(performance.now() - startedAt).toBeLessThan(2_000)
  })
})
