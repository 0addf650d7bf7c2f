import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { defineEvent, type SubscribeOptions } from '../src/index.js'
import { errorOf, mqErrorOf, typeErrorOf } from './support/errors.js'
import { never } from './support/fake-adapter.js'
import { connected, gate } from './support/queues.js'

const handler = (): void => {}
const group = 'welcome'

describe('subscribe', () => {
  it('declares the group, then consumes, with the defaults', async () => {
    const { queue, adapter } = await connected()
    const subscription = await queue.subscribe('user.created', handler, { group })
    expect(adapter.calls).toEqual(['connect', 'declareGroup', 'consume'])
    expect(adapter.declared).toEqual([{ topic: 'user.created', group, startFrom: 'latest' }])
    expect(adapter.consumers[0]).toMatchObject({
      ref: { topic: 'user.created', group },
      options: { concurrency: 10, ordered: false, ephemeral: false },
    })
    expect(subscription).toMatchObject({ topic: 'user.created', group })
  })

  it('hands on what was asked for', async () => {
    const { queue, adapter } = await connected()
    await queue.subscribe(defineEvent('t'), handler, { group, concurrency: 3, ordered: true, startFrom: 'earliest' })
    expect(adapter.declared[0]?.startFrom).toBe('earliest')
    expect(adapter.consumers[0]?.options).toEqual({ concurrency: 3, ordered: true, ephemeral: false })
  })

  it('takes the group of the queue where none is given', async () => {
    const { queue, adapter } = await connected({}, { group: 'shared' })
    await queue.subscribe('t', handler)
    await queue.subscribe('t', handler, { group: 'own' })
    expect(adapter.declared.map(({ group }) => group)).toEqual(['shared', 'own'])
  })

  it('refuses a subscription without any group with a TypeError', async () => {
    const { queue, adapter } = await connected()
    expect((await typeErrorOf(() => queue.subscribe('t', handler))).message).toContain('No group')
    expect(adapter.calls).toEqual(['connect'])
  })

  const bad: readonly [string, unknown, string][] = [
    ['an invalid group', { group: 'two words' }, 'MQ_INVALID_NAME'],
    ['a concurrency of 0', { group, concurrency: 0 }, 'MQ_INVALID_OPTION'],
    ['a concurrency of 1.5', { group, concurrency: 1.5 }, 'MQ_INVALID_OPTION'],
    ['a concurrency of 10,001', { group, concurrency: 10_001 }, 'MQ_INVALID_OPTION'],
    ['a timeout of 0', { group, timeoutMs: 0 }, 'MQ_INVALID_OPTION'],
    ['a bad retry policy', { group, retry: { attempts: 0 } }, 'MQ_INVALID_OPTION'],
    ['an unknown start', { group, startFrom: 'middle' }, 'MQ_INVALID_OPTION'],
    ['a misspelt option', { group, concurency: 5 }, 'MQ_INVALID_OPTION'],
    ['an ephemeral subscription with a group', { group, ephemeral: true }, 'MQ_INVALID_OPTION'],
    ['an ephemeral subscription that retries', { ephemeral: true, retry: { attempts: 2 } }, 'MQ_INVALID_OPTION'],
    ['an ephemeral subscription from the earliest', { ephemeral: true, startFrom: 'earliest' }, 'MQ_INVALID_OPTION'],
    ['a group that is no string', { group: 5 }, 'TypeError'],
    ['a concurrency that is a text', { group, concurrency: '5' }, 'TypeError'],
    ['ordered that is no boolean', { group, ordered: 'yes' }, 'TypeError'],
    ['ephemeral that is no boolean', { group, ephemeral: 1 }, 'TypeError'],
    ['options that are no object', 'welcome', 'TypeError'],
    ['null for options', null, 'TypeError'],
  ]
  it.each(bad)('refuses %s before the adapter sees anything', async (_, options, code) => {
    const { queue, adapter } = await connected()
    const work = () => queue.subscribe('t', handler, options as SubscribeOptions)
    await (code === 'TypeError' ? typeErrorOf(work) : mqErrorOf(work, code as 'MQ_INVALID_OPTION'))
    expect(adapter.calls).toEqual(['connect'])
  })

  it('refuses a topic or a handler that is none', async () => {
    const { queue, adapter } = await connected()
    await mqErrorOf(() => queue.subscribe('a b', handler, { group }), 'MQ_INVALID_NAME')
    await typeErrorOf(() => queue.subscribe(undefined as never, handler, { group }))
    await typeErrorOf(() => queue.subscribe('t', { group } as never))
    expect(adapter.calls).toEqual(['connect'])
  })

  it.each([
    ['ordered', { orderedKeys: false }, { ordered: true }],
    ['startFrom earliest', { startFromEarliest: false }, { startFrom: 'earliest' }],
    ['a timeoutMs above maxHandlerMs', { maxHandlerMs: 1_000 }, { timeoutMs: 1_001 }],
  ] as const)('refuses %s where the adapter cannot do it', async (_, capabilities, options) => {
    const { queue, adapter } = await connected({ capabilities })
    await mqErrorOf(() => queue.subscribe('t', handler, { group, ...options }), 'MQ_NOT_SUPPORTED')
    expect(adapter.calls).toEqual(['connect'])
    await (await connected()).queue.subscribe('t', handler, { group, ...options })
  })

  it('rejects with what the adapter rejects with', async () => {
    const cause = new Error('no permission')
    const fail = () => Promise.reject(cause)
    for (const behaviour of [{ declareGroup: fail }, { consume: fail }]) {
      const { queue } = await connected(behaviour)
      expect(await errorOf(() => queue.subscribe('t', handler, { group }))).toBe(cause)
    }
  })
})

describe('an ephemeral subscription', () => {
  it('declares no group, and has a name of its own', async () => {
    const { queue, adapter } = await connected({}, { group })
    await queue.subscribe('t', handler, { ephemeral: true })
    await queue.subscribe('t', handler, { ephemeral: true, retry: false, startFrom: 'latest' })
    expect(adapter.calls).toEqual(['connect', 'consume', 'consume'])
    const groups = adapter.consumers.map(({ ref }) => ref.group)
    expect(new Set(groups).size).toBe(2)
    for (const name of groups) expect(name).toMatch(/^ephemeral\.[0-9a-f-]{36}$/)
    expect(adapter.consumers[0]?.options.ephemeral).toBe(true)
  })
})

describe('a subscription', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('rejects with MQ_TIMEOUT when the adapter never settles, and stops a consumer that comes up later', async () => {
    const starting = gate()
    const { queue, adapter } = await connected({ consume: () => starting.passed }, { operationTimeoutMs: 500 })
    const failing = errorOf(() => queue.subscribe('t', handler, { group }))
    await vi.advanceTimersByTimeAsync(500)
    expect(await failing).toMatchObject({ code: 'MQ_TIMEOUT' })
    starting.open()
    await vi.waitFor(() => expect(adapter.consumers[0]?.stops).toEqual([0]))
    expect(vi.getTimerCount()).toBe(0)
  })

  it('stops its consumer once, with the deadline of the first call', async () => {
    const { queue, adapter } = await connected({}, { stopTimeoutMs: 4_000 })
    const first = await queue.subscribe('a', handler, { group })
    await Promise.all([first.stop({ timeoutMs: 5 }), first.stop(), first[Symbol.asyncDispose]()])
    const second = await queue.subscribe('b', handler, { group })
    await second.stop()
    await queue.disconnect()
    expect(adapter.consumers.map(({ stops }) => stops)).toEqual([[5], [4_000]])
  })

  it('always stops: a consumer that never answers is left behind five seconds after the deadline', async () => {
    const { queue } = await connected({ stop: () => never() })
    const subscription = await queue.subscribe('a', handler, { group })
    let isStopped = false
    void subscription.stop({ timeoutMs: 1_000 }).then(() => {
      isStopped = true
    })
    await vi.advanceTimersByTimeAsync(5_999)
    expect(isStopped).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(isStopped).toBe(true)
  })

  it('rejects a bad deadline, and can be stopped after that', async () => {
    const { queue, adapter } = await connected()
    const subscription = await queue.subscribe('a', handler, { group })
    await mqErrorOf(() => subscription.stop({ timeoutMs: -1 }), 'MQ_INVALID_OPTION')
    await subscription.stop({ timeoutMs: 1 })
    expect(adapter.consumers[0]?.stops).toEqual([1])
  })
})
