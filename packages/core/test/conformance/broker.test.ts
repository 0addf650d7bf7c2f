import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Settlement } from '../../src/adapter.js'
import { sleep, until } from '../../src/conformance/kit/wait.js'
import { failure } from '../support/deliveries.js'
import { mqErrorOf } from '../support/errors.js'
import { call, consume, type Flow, never, publish, ref, seen, startFlow } from './support/flows.js'

let flow: Flow

beforeEach(async () => {
  flow = await startFlow()
})

afterEach(async () => {
  await flow.close()
})

const retryOnce = (attempt: number): Settlement =>
  attempt === 1 ? { kind: 'retry', delayMs: 20, failure: failure() } : { kind: 'done' }

describe('the broker for tests, without a fault', () => {
  it('delivers every published message to each group, with all its fields', async () => {
    const adapter = await flow.adapter()
    const consumer = await consume(adapter)
    const extensions = { traceparent: '00-1' }
    expect(
      await publish(adapter, { id: 'a', key: 'k', headers: { X: 'Y ü' }, extensions, body: Buffer.from([0, 255]) }),
    ).toEqual({
      status: 'stored',
      routed: 'yes',
    })
    await seen(consumer, 1)
    const [delivery] = consumer.deliveries
    expect(delivery?.message).toMatchObject({ id: 'a', key: 'k', contentType: 'application/json', source: '/test' })
    expect(delivery?.message.headers).toEqual({ X: 'Y ü' })
    expect(delivery?.message.extensions).toEqual(extensions)
    expect([...(delivery?.message.body ?? [])]).toEqual([0, 255])
    expect(delivery?.attempt).toBe(1)
  })

  it('retries after the delay, with the failure, and only in this group', async () => {
    const adapter = await flow.adapter()
    await adapter.declareGroup({ topic: ref.topic, group: 'other' }, { startFrom: 'latest' })
    const at: number[] = []
    const consumer = await consume(adapter, ({ attempt }) => {
      at.push(performance.now())
      return retryOnce(attempt)
    })
    await publish(adapter)
    await seen(consumer, 2)
    expect(consumer.deliveries.map(({ attempt }) => attempt)).toEqual([1, 2])
    expect(consumer.deliveries[1]?.failure).toEqual(failure())
    expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(20)
    expect(await adapter.stats({ topic: ref.topic, group: 'other' })).toMatchObject({ ready: 1, delayed: 0 })
  })

  it('keeps dead letters until they are replayed or purged', async () => {
    const adapter = await flow.adapter()
    const consumer = await consume(adapter, () => ({ kind: 'dead', failure: failure() }))
    await publish(adapter, { id: 'a' })
    await publish(adapter, { id: 'b' })
    const store = adapter.deadLetters(ref)
    await until('two dead letters', async () => (await store.list({ limit: 10 })).length === 2)
    const [first] = await store.list({ limit: 1 })
    expect(first).toMatchObject({ message: { id: 'a' }, failure: failure() })
    await consumer.consumer.stop({ timeoutMs: 100 })
    expect(await store.replay([first?.entryId ?? ''])).toBe(1)
    expect(await adapter.stats(ref)).toMatchObject({ ready: 1, inFlight: 0, delayed: 0, retrying: 0, dead: 1 })
    expect(await store.purge()).toBe(1)
    expect(await store.list({ limit: 10 })).toEqual([])
  })

  it('keeps a delayed message until its time, even if the broker ends meanwhile', async () => {
    const adapter = await flow.adapter()
    const consumer = await consume(adapter)
    const startedAt = performance.now()
    expect(await publish(adapter, { delayMs: 60 })).toEqual({ status: 'stored', routed: 'unknown' })
    await flow.faults.kill()
    await flow.faults.restart()
    await seen(consumer, 1)
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(60)
  })

  it('starts a group with the retained messages, and reports that a message was not routed', async () => {
    const adapter = await flow.adapter()
    expect(await publish(adapter, { id: 'a' })).toEqual({ status: 'stored', routed: 'no' })
    await adapter.declareGroup(ref, { startFrom: 'earliest' })
    const consumer = await consume(adapter)
    await seen(consumer, 1)
    expect(consumer.ids).toEqual(['a'])
  })

  it('runs one message of a key at a time across the consumers of a group', async () => {
    const adapters = [await flow.adapter(), await flow.adapter()]
    const running = new Map<string, number>()
    let most = 0
    const handle = async ({ message: { key = '' } }: { readonly message: { readonly key?: string } }) => {
      running.set(key, (running.get(key) ?? 0) + 1)
      most = Math.max(most, running.get(key) ?? 0)
      await sleep(2)
      running.set(key, (running.get(key) ?? 0) - 1)
      return { kind: 'done' } as const
    }
    const consumers = await Promise.all(adapters.map((adapter) => consume(adapter, handle, { ordered: true })))
    const [adapter] = adapters
    if (adapter === undefined) throw new Error('There are two')
    for (let number = 0; number < 20; number++) await publish(adapter, { id: `${number}`, key: `k-${number % 2}` })
    await until('all of them', () => consumers.flatMap(({ ids }) => ids).length === 20)
    expect(most).toBe(1)
    expect(consumers.every(({ ids }) => ids.length > 0)).toBe(true)
  })

  it('deletes an ephemeral group with its consumer', async () => {
    const adapter = await flow.adapter()
    const consumer = await consume(adapter, () => ({ kind: 'retry', delayMs: 0, failure: failure() }), {
      ephemeral: true,
    })
    await publish(adapter)
    await seen(consumer, 1)
    await consumer.consumer.stop({ timeoutMs: 100 })
    await adapter.deleteGroup(ref)
    expect(await publish(adapter, { id: 'later' })).toMatchObject({ routed: 'no' })
    expect(consumer.deliveries).toHaveLength(1)
  })

  it('aborts unfinished runs at the timeout of stop and takes their messages back without counting an attempt', async () => {
    const adapter = await flow.adapter()
    const stuck = await consume(adapter, never)
    await publish(adapter)
    await seen(stuck, 1)
    await stuck.consumer.stop({ timeoutMs: 20 })
    expect(stuck.deliveries[0]?.signal.reason).toMatchObject({ code: 'MQ_STOPPED' })
    const next = await consume(adapter)
    await seen(next, 1)
    expect(next.deliveries[0]?.attempt).toBe(1)
  })

  it('leaves no connection open', async () => {
    const adapter = await flow.adapter()
    await consume(adapter)
    expect(await flow.faults.connections()).toBe(1)
    await adapter.disconnect({ timeoutMs: 100 })
    expect(await flow.faults.connections()).toBe(0)
    await mqErrorOf(() => publish(adapter), 'MQ_CLOSED')
  })
})

describe('the faults of the broker for tests', () => {
  const reconnected = async (adapter: { readonly events: readonly object[] }): Promise<void> => {
    await until('the connection to be back', () =>
      adapter.events.some((event) => 'state' in event && event.state === 'connected'),
    )
  }

  it('a cut aborts running handlers and repeats their messages; a late answer is ignored', async () => {
    const adapter = await flow.adapter()
    let finish = (_: Settlement): void => {}
    const consumer = await consume(adapter, ({ attempt }) =>
      attempt === 1 ? new Promise<Settlement>((resolve) => (finish = resolve)) : never(),
    )
    await publish(adapter)
    await seen(consumer, 1)
    await flow.faults.cut()
    await seen(consumer, 2)
    expect(consumer.deliveries[0]?.signal.reason).toMatchObject({ code: 'MQ_CONNECTION_LOST' })
    expect(consumer.deliveries[1]?.attempt).toBe(2)
    finish({ kind: 'done' })
    await sleep(20)
    expect(await adapter.stats(ref)).toMatchObject({ ready: 0, inFlight: 1 })
  })

  it('a killed broker is down until it is restarted, and keeps its messages', async () => {
    const adapter = await flow.adapter()
    await adapter.declareGroup(ref, { startFrom: 'latest' })
    await publish(adapter, { id: 'kept' })
    await flow.faults.kill()
    await until('the adapter to be down', () => adapter.health().status === 'down')
    expect(await publish(adapter, { id: 'refused' }, 30)).toMatchObject({ status: 'rejected' })
    const waiting = publish(adapter, { id: 'waited' })
    await flow.faults.restart()
    expect(await waiting).toMatchObject({ status: 'stored' })
    await reconnected(adapter)
    const consumer = await consume(adapter)
    await seen(consumer, 2)
    expect(consumer.ids).toEqual(['kept', 'waited'])
    expect(adapter.health()).toMatchObject({ status: 'up', lastError: { code: 'MQ_CONNECTION_LOST' } })
  })

  it.each(['in', 'out', 'both'] as const)(
    'a link that is frozen (%s) is noticed, and publishing goes on once it is healed',
    async (direction) => {
      const adapter = await flow.adapter()
      await adapter.declareGroup(ref, { startFrom: 'latest' })
      await flow.faults.freeze(direction)
      const unanswered = publish(adapter, { id: 'unanswered' }, 50)
      const patient = publish(adapter, { id: 'patient' }, 5_000)
      expect(await unanswered).toMatchObject({ status: 'unknown', error: { code: 'MQ_PUBLISH_UNKNOWN' } })
      await until('the frozen link to be noticed', () => adapter.health().status === 'down', { timeoutMs: 2_000 })
      await flow.faults.heal()
      expect(await patient).toMatchObject({ status: 'stored' })
      const { ready } = await adapter.stats(ref)
      expect([1, 2]).toContain(ready)
    },
  )

  it('a connection that ends while it is being made does not count', async () => {
    const adapter = await flow.adapter()
    await flow.faults.freeze('out')
    await until('the frozen link to be noticed', () => adapter.health().status === 'down', { timeoutMs: 2_000 })
    // The broker gives up on the new connection meanwhile, so that its welcome and its end arrive together.
    await sleep(400)
    await flow.faults.heal()
    expect(await publish(adapter, {}, 3_000)).toMatchObject({ status: 'stored' })
  })

  it('a lost answer leaves the message stored once', async () => {
    const adapter = await flow.adapter()
    await adapter.declareGroup(ref, { startFrom: 'latest' })
    await flow.faults.dropAnswer()
    expect(await publish(adapter)).toMatchObject({ status: 'stored' })
    await reconnected(adapter)
    expect(await adapter.stats(ref)).toMatchObject({ ready: 1 })
  })

  it('a slow link is not treated as dead', async () => {
    const adapter = await flow.adapter()
    const consumer = await consume(adapter)
    await flow.faults.slow(40_000)
    const startedAt = performance.now()
    await publish(adapter, { body: new Uint8Array(20_000) })
    expect(performance.now() - startedAt).toBeGreaterThan(400)
    await seen(consumer, 1)
    expect(adapter.events).toEqual([])
  })

  it('a blocked broker reports that, stores the messages later, and serves its consumers', async () => {
    const adapter = await flow.adapter()
    const consumer = await consume(adapter)
    await publish(adapter, { delayMs: 20 })
    await flow.faults.block()
    await until('to hear of it', () => adapter.events.length === 1)
    expect(adapter.events[0]).toMatchObject({ type: 'blocked', blocked: true })
    const waiting = publish(adapter, { id: 'waits' })
    expect(await publish(adapter, { id: 'expires' }, 30)).toMatchObject({ status: 'rejected' })
    await seen(consumer, 1)
    await flow.faults.heal()
    expect(await waiting).toMatchObject({ status: 'stored' })
    expect(adapter.events[1]).toEqual({ type: 'blocked', blocked: false })
    await seen(consumer, 2)
  })

  it('a destroyed group is reported and created again, and misses no later message', async () => {
    const adapter = await flow.adapter()
    const consumer = await consume(adapter, never, { concurrency: 1 })
    await publish(adapter, { id: 'a' })
    await publish(adapter, { id: 'b' })
    await seen(consumer, 1)
    await flow.faults.destroy(ref)
    await publish(adapter, { id: 'c' })
    await seen(consumer, 2)
    expect(consumer.ids).toEqual(['a', 'c'])
    expect(consumer.deliveries[0]?.signal.reason).toMatchObject({ code: 'MQ_OWNERSHIP_LOST' })
    expect(adapter.events).toMatchObject([{ type: 'data-loss', ...ref, count: 2 }])
  })

  it('a foreign message has an id that stays the same', async () => {
    const adapter = await flow.adapter()
    const consumer = await consume(adapter, ({ attempt }) => retryOnce(attempt))
    await flow.faults.publishForeign(ref.topic, Buffer.from('[1]'))
    await seen(consumer, 2)
    expect(consumer.ids).toEqual(['orders/0', 'orders/0'])
    expect(Buffer.from(consumer.deliveries[0]?.message.body ?? []).toString()).toBe('[1]')
  })

  it('a failed connect is an error with its own code and leaves nothing open', async () => {
    const { faults } = flow
    const connect = (options: object) => () => flow.adapter(options as never)
    await mqErrorOf(connect(faults.wrongCredentials().options), 'MQ_AUTH_FAILED')
    await mqErrorOf(connect(faults.unreachable().options), 'MQ_CONNECT_FAILED')
    await mqErrorOf(connect(faults.untrusted().options), 'MQ_TLS_FAILED')
    await faults.refuse()
    await mqErrorOf(connect({}), 'MQ_CONNECT_FAILED')
    await faults.heal()
    await faults.freeze('out')
    await mqErrorOf(connect({ connectTimeoutMs: 30 }), 'MQ_CONNECT_TIMEOUT')
    await faults.heal()
    await until('the connections to be gone', async () => (await faults.connections()) === 0)
  })

  it('a message that is too large for the broker is refused alone', async () => {
    const adapter = await flow.adapter()
    const { headers, ...rest } = { headers: {}, source: '/t', type: 't', time: '', extensions: {} }
    const message = (id: string, bytes: number) => ({ ...rest, headers, id, body: new Uint8Array(bytes) })
    const outcomes = await adapter.publish(ref.topic, [message('a', 1), message('b', 2 ** 21), message('c', 1)], call())
    expect(outcomes.map(({ status }) => status)).toEqual(['stored', 'rejected', 'stored'])
  })

  it('a worker that crashes counts an attempt, and its message runs again elsewhere', async () => {
    const adapter = await flow.adapter()
    await adapter.declareGroup(ref, { startFrom: 'latest' })
    await publish(adapter)
    const worker = await flow.environment.startWorker({ ref, concurrency: 1, handler: 'crash', afterMs: 5 })
    await worker.exited
    expect(worker.events.map(({ type }) => type).sort()).toEqual(['ready', 'started'])
    const next = await consume(adapter)
    await seen(next, 1)
    expect(next.deliveries[0]?.attempt).toBe(2)
  })

  it('a killed worker does nothing more', async () => {
    const adapter = await flow.adapter()
    await adapter.declareGroup(ref, { startFrom: 'latest' })
    await publish(adapter)
    const worker = await flow.environment.startWorker({ ref, concurrency: 1, handler: 'handle', afterMs: 30 })
    await until('it to have begun', () => worker.events.length === 2)
    await worker.kill()
    const next = await consume(adapter, never)
    await seen(next, 1)
    await sleep(40)
    expect(worker.events.map(({ type }) => type).sort()).toEqual(['ready', 'started'])
    expect(await flow.faults.connections()).toBe(1)
  })
})
