import { describe, expect, it } from 'vitest'
import type { AdapterCapabilities } from '../src/adapter.js'
import { type Adapter, createQueue, MqError, openQueue } from '../src/index.js'
import { mqErrorOf } from './support/errors.js'
import { fakeAdapter } from './support/fake-adapter.js'

const members = [
  'name',
  'capabilities',
  'connect',
  'disconnect',
  'publish',
  'declareGroup',
  'deleteGroup',
  'consume',
  'deadLetters',
  'stats',
  'health',
  'on',
] as const satisfies readonly (keyof Adapter)[]

const required = [
  'durable',
  'embedded',
  'retainsUnrouted',
  'startFromEarliest',
  'orderedKeys',
  'countsCrashes',
  'delayResolutionMs',
  'maxDelayMs',
  'maxHandlerMs',
  'maxMessageBytes',
  'redeliveryMs',
] as const satisfies readonly (keyof AdapterCapabilities)[]

const optional = [
  'exactAttempts',
  'publishDedupeMs',
  'listsTopics',
  'listsGroups',
  'listsWaiting',
  'listsInFlight',
  'removesWaiting',
  'runsNow',
  'pausesGroups',
  'joinsTransactions',
] as const satisfies readonly (keyof AdapterCapabilities)[]

/** The fake adapter with some of its members replaced; undefined stands for a member that is not there. */
const adapterWith = (changed: object): Adapter => ({ ...fakeAdapter(), ...changed })
const capableOf = (changed: object): Adapter =>
  adapterWith({ capabilities: { ...fakeAdapter().capabilities, ...changed } })

describe('createQueue', () => {
  it.each(members)('refuses an adapter that has no %s, or one of a wrong type', (name) => {
    expect(() => createQueue(adapterWith({ [name]: undefined }))).toThrow(TypeError)
    expect(() => createQueue(adapterWith({ [name]: undefined }))).toThrow(`it has no ${name}`)
    expect(() => createQueue(adapterWith({ [name]: 5 }))).toThrow(new RegExp(`${name} must be an? \\w+, not 5`))
  })

  it.each(required)('refuses an adapter whose capabilities have no %s, or one of a wrong type', (name) => {
    expect(() => createQueue(capableOf({ [name]: undefined }))).toThrow(TypeError)
    expect(() => createQueue(capableOf({ [name]: undefined }))).toThrow(`it has no capabilities.${name}`)
    expect(() => createQueue(capableOf({ [name]: 'yes' }))).toThrow(`capabilities.${name} must be a`)
  })

  it('names everything that is wrong at once', () => {
    const wrong = { durable: undefined, maxDelayMs: Number.NaN, orderedKeys: 1, redeliveryMs: undefined }
    expect(() => createQueue(capableOf(wrong))).toThrow(
      'This is no adapter: it has no capabilities.durable, capabilities.redeliveryMs; ' +
        'capabilities.orderedKeys must be a boolean, not 1; capabilities.maxDelayMs must be a number, not NaN',
    )
  })

  it('takes an adapter that leaves out what it cannot, and says so in the capabilities of the queue', () => {
    const { exactAttempts: _, publishDedupeMs: __, ...capabilities } = fakeAdapter().capabilities
    const queue = createQueue(adapterWith({ capabilities }))
    expect(queue.capabilities).toEqual({ ...capabilities, exactAttempts: false, publishDedupeMs: 0 })
  })

  it.each(optional)('refuses %s of a wrong type, though it may be absent', (name) => {
    expect(() => createQueue(capableOf({ [name]: 'yes' }))).toThrow(`capabilities.${name} must be a`)
  })

  it('ignores members and capabilities that only a later version of core knows', () => {
    const later = { ...capableOf({ priorities: true }), inspect: () => {} }
    expect(createQueue(later).capabilities).toEqual(fakeAdapter().capabilities)
  })

  it('takes an adapter that is an instance of a class, whose members are getters', () => {
    const fake = fakeAdapter()
    const getters = Object.keys(fake).map((name) => [name, { get: () => fake[name as keyof Adapter] }])
    const made: Adapter = Object.create(Object.create({}, Object.fromEntries(getters)))
    expect(createQueue(made).type).toBe('fake')
  })

  it.each(['now', 'monotonic', 'setTimeout'])('refuses an adapter whose clock has no %s', (name) => {
    const clock = { now: () => 0, monotonic: () => 0, setTimeout: () => ({ cancel: () => {} }), [name]: undefined }
    expect(() => createQueue(adapterWith({ clock }))).toThrow(`it has no clock.${name}`)
  })

  it.each([1, 3, undefined])(
    'refuses an adapter of the contract %s before it looks at its capabilities',
    async (contract) => {
      const error = await mqErrorOf(
        async () => createQueue(adapterWith({ contract, capabilities: undefined })),
        'MQ_ADAPTER_INVALID',
      )
      expect(error.message).toMatch(contract === 3 ? /update @mq\/core$/ : /version 1 .* update the adapter$/)
    },
  )
})

describe('an adapter of another queue', () => {
  it('is refused, also after that queue was disconnected', async () => {
    const adapter = fakeAdapter()
    const queue = createQueue(adapter)
    const error = await mqErrorOf(() => createQueue(adapter), 'MQ_INVALID_OPTION')
    expect(error.message).toContain('another queue')
    await queue.connect()
    await queue.disconnect()
    await mqErrorOf(() => createQueue(adapter), 'MQ_INVALID_OPTION')
  })

  it('can be opened again when it could not connect', async () => {
    let failures = 1
    const adapter = fakeAdapter({
      connect: async () => {
        if (failures-- > 0) throw new MqError('MQ_CONNECT_FAILED', 'not there')
      },
    })
    await mqErrorOf(() => openQueue(adapter), 'MQ_CONNECT_FAILED')
    expect((await openQueue(adapter)).health().state).toBe('connected')
    await mqErrorOf(() => openQueue(adapter), 'MQ_INVALID_OPTION')
  })

  it('is not taken by a queue whose options are wrong', async () => {
    const adapter = fakeAdapter()
    await mqErrorOf(() => createQueue(adapter, { stopTimeoutMs: -1 }), 'MQ_INVALID_OPTION')
    expect(createQueue(adapter).type).toBe(adapter.name)
  })
})
