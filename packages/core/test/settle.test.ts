import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { failureBeforeReplay } from '../src/adapter.js'
import { defineEvent, MqError, RetryLater, type RetryOptions, Unrecoverable } from '../src/index.js'
import { deliver, failure, handleOf, json } from './support/deliveries.js'
import { connected, type Opened } from './support/queues.js'

const now = 50_000
const clock = { now: () => now, monotonic: () => now, setTimeout: () => ({ cancel: () => {} }) }
const retry: RetryOptions = { attempts: 3, backoff: 'fixed', delayMs: 100, jitter: 'none' }
const throwing = (error: unknown) => (): never => {
  throw error
}
type Then = (resolve: () => void, reject: (error: unknown) => void) => void
/** What a handler returns may have a `then`. */
const thenable = (made: object, then: Then): object => Object.assign(made, { then })
const rejecting: Then = (_, reject) => reject(new RangeError('broken'))
const open = (): Promise<Opened> => connected({ clock })

describe('a handler that returns', () => {
  it.each([
    ['nothing', () => {}],
    ['a promise', async () => 5],
    ['a value', () => false],
    ['null', () => null],
    ['an object', () => ({})],
    ['a thenable that resolves', () => thenable({}, (resolve) => resolve())],
  ])('acknowledges its message with %s', async (_, handler) => {
    const handle = await handleOf(await open(), handler, { retry })
    expect(await deliver(handle).settlement).toEqual({ kind: 'done' })
  })
})

describe('a handler that fails', () => {
  it.each([
    ['throws', throwing(new RangeError('broken'))],
    ['rejects', () => Promise.reject(new RangeError('broken'))],
    ['returns an object that rejects when it is awaited', () => thenable({}, rejecting)],
    ['returns a function that rejects when it is awaited', () => thenable(() => {}, rejecting)],
  ])('is retried after the delay of the policy when it %s', async (_, handler) => {
    const handle = await handleOf(await open(), handler, { retry })
    expect(await deliver(handle).settlement).toEqual({
      kind: 'retry',
      delayMs: 100,
      failure: {
        reason: 'error',
        error: { name: 'RangeError', message: 'broken' },
        attempts: 1,
        firstFailedAt: now,
        failedAt: now,
      },
    })
  })

  it('is dead-lettered after the last attempt, with the time of the first failure', async () => {
    const handle = await handleOf(await open(), throwing(new Error('broken')), { retry })
    const before = failure({ attempts: 2, firstFailedAt: 7 })
    expect(await deliver(handle, { attempt: 2, failure: before }).settlement).toMatchObject({ kind: 'retry' })
    expect(await deliver(handle, { attempt: 3, failure: before }).settlement).toMatchObject({
      kind: 'dead',
      failure: { reason: 'error', attempts: 3, firstFailedAt: 7, failedAt: now },
    })
  })

  it('is retried when it says so with RetryLater, which keeps its reason', async () => {
    const error = new RetryLater({ afterMs: 1_234.5, reason: 'rate limit' })
    const handle = await handleOf(await open(), throwing(error), { retry })
    const expected = { kind: 'retry', delayMs: 1_235, failure: { error: { message: 'rate limit' } } }
    expect(await deliver(handle).settlement).toMatchObject(expected)
    expect(await deliver(handle, { attempt: 3 }).settlement).toMatchObject({
      kind: 'dead',
      failure: { reason: 'error' },
    })
  })

  it('is dead-lettered at once when it throws Unrecoverable', async () => {
    const handle = await handleOf(await open(), throwing(new Unrecoverable('no such user')), { retry })
    expect(await deliver(handle).settlement).toMatchObject({
      kind: 'dead',
      failure: { reason: 'unrecoverable', attempts: 1, error: { name: 'Unrecoverable', message: 'no such user' } },
    })
  })

  it('is dead-lettered at once where a rule says so', async () => {
    const rules = [{ match: RangeError, retry: false }] as const
    const handle = await handleOf(await open(), throwing(new RangeError('no')), { retry: { ...retry, rules } })
    expect(await deliver(handle).settlement).toMatchObject({ kind: 'dead', failure: { attempts: 1 } })
  })

  it('has a single attempt with retry: false, and the policy of the queue where none is given', async () => {
    const opened = await connected({}, { retry: { ...retry, attempts: 2 } })
    const once = await handleOf(opened, throwing(new Error('no')), { retry: false })
    expect(await deliver(once).settlement).toMatchObject({ kind: 'dead' })
    const twice = await handleOf(opened, throwing(new Error('no')), {})
    expect(await deliver(twice).settlement).toMatchObject({ kind: 'retry', delayMs: 100 })
    expect(await deliver(twice, { attempt: 2 }).settlement).toMatchObject({ kind: 'dead' })
  })

  it('waits no longer than the adapter can delay', async () => {
    const handle = await handleOf(await connected({ capabilities: { maxDelayMs: 60 } }), throwing(new Error()), {
      retry,
    })
    expect(await deliver(handle).settlement).toMatchObject({ kind: 'retry', delayMs: 60 })
  })

  const hostile = new Proxy({}, { get: throwing(new Error('no')), has: throwing(new Error('no')) })
  it.each([
    ['undefined', () => undefined],
    ['null', () => null],
    ['a text', () => 'a text'],
    ['a symbol', () => Symbol('s')],
    ['an object that cannot be looked at', () => hostile],
  ])('never makes the handling reject, though it throws %s', async (_, thrown) => {
    const handle = await handleOf(await open(), () => throwing(thrown())(), { retry })
    expect(await deliver(handle).settlement).toMatchObject({ kind: 'retry', failure: { reason: 'error' } })
  })
})

describe('a message that cannot be handled', () => {
  const event = defineEvent('user.created', { schema: z.object({ userId: z.string() }) })
  const handled: unknown[] = []
  const handler = (message: unknown): unknown => handled.push(message)

  it('is dead-lettered as invalid, naming the field, when it does not match the schema', async () => {
    const handle = await handleOf(await open(), handler, { retry }, event)
    const { settlement } = deliver(handle, { message: { body: json({ userId: 42 }) } })
    expect(await settlement).toMatchObject({ kind: 'dead', failure: { reason: 'invalid', attempts: 0 } })
    expect(JSON.stringify(await settlement)).toContain('userId')
  })

  it.each([
    ['no JSON', { body: Buffer.from('{') }],
    ['no UTF-8', { body: Uint8Array.of(0x22, 0xff, 0x22) }],
    ['nested too deep', { body: Buffer.from('['.repeat(100_000) + ']'.repeat(100_000)) }],
    ['in another character set', { contentType: 'application/json; charset=utf-16' }],
  ])('is dead-lettered as undecodable when its body is %s', async (_, message) => {
    const handle = await handleOf(await open(), handler, { retry })
    expect(await deliver(handle, { message }).settlement).toMatchObject({
      kind: 'dead',
      failure: { reason: 'undecodable', attempts: 0, error: { code: 'MQ_UNDECODABLE' } },
    })
  })

  it('is dead-lettered as undecodable when the adapter could not read its attributes', async () => {
    const decodeError = new MqError('MQ_UNDECODABLE', 'CloudEvents version 9')
    const handle = await handleOf(await open(), handler, { retry })
    const { settlement } = deliver(handle, { decodeError, attempt: 2, failure: failure({ firstFailedAt: 7 }) })
    expect(await settlement).toMatchObject({
      kind: 'dead',
      failure: { reason: 'undecodable', error: { message: 'CloudEvents version 9' }, attempts: 1, firstFailedAt: 7 },
    })
  })

  it('is dead-lettered as crashed when it came more often than the policy allows', async () => {
    const handle = await handleOf(await open(), handler, { retry })
    expect(await deliver(handle, { attempt: 4 }).settlement).toMatchObject({
      kind: 'dead',
      failure: { reason: 'crashed', attempts: 3, failedAt: now },
    })
    const earlier = failure({ attempts: 1, firstFailedAt: 7 })
    expect(await deliver(handle, { attempt: 4, failure: earlier }).settlement).toMatchObject({
      kind: 'dead',
      failure: { reason: 'crashed', attempts: 3, firstFailedAt: 7 },
    })
  })

  it('begins anew after a replay, though it carries the failure from before', async () => {
    const handle = await handleOf(await open(), throwing(new Error('again')), { retry })
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const stored = { ...failure({ attempts: 3, firstFailedAt: 7 }), traceparent }
    const before = failureBeforeReplay({ ...stored, error: { name: 'E', message: 'm', stack: 'at' } })
    expect(before).toEqual({ ...stored, error: { name: 'E', message: 'm' }, attempts: 0 })
    const replayed = { ...(before && { failure: before }) }
    expect(await deliver(handle, replayed).settlement).toMatchObject({
      kind: 'retry',
      failure: { attempts: 1, firstFailedAt: now },
    })
    // Its process has crashed as often as the policy allows.
    expect(await deliver(handle, { ...replayed, attempt: 4 }).settlement).toMatchObject({
      kind: 'dead',
      failure: { reason: 'crashed', attempts: 3, firstFailedAt: now },
    })
    // Without a trace there is nothing to keep.
    expect([failureBeforeReplay(undefined), failureBeforeReplay(failure({ attempts: 3 }))]).toEqual([
      undefined,
      undefined,
    ])
  })

  it('says how long the event loop stood still if the deliveries were lost over that', async () => {
    const handle = await handleOf(await open(), handler, { retry })
    const texts = [undefined, 45_210].map(async (stalledMs) => {
      const settlement = await deliver(handle, { attempt: 4, stalledMs }).settlement
      return settlement.kind === 'dead' && settlement.failure.error.message
    })
    expect(await Promise.all(texts)).toEqual([
      expect.not.stringContaining('stood still'),
      expect.stringMatching(/no run came to an end.* The event loop of this process stood still for 45\.2 s/),
    ])
  })

  it('keeps its own failure when only the policy has become stricter', async () => {
    const handle = await handleOf(await open(), handler, { retry })
    const earlier = failure({ attempts: 6, error: { name: 'E', message: 'smtp refused' } })
    expect(await deliver(handle, { attempt: 7, failure: earlier }).settlement).toEqual({
      kind: 'dead',
      failure: earlier,
    })
  })

  it('never reaches the handler', () => {
    expect(handled).toEqual([])
  })
})
