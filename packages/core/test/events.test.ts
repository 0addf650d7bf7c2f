import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createQueue, MqError, type QueueEvents, type SettledEvent } from '../src/index.js'
import { deliver, handleOf } from './support/deliveries.js'
import { mqErrorOf, typeErrorOf } from './support/errors.js'
import { fakeAdapter } from './support/fake-adapter.js'
import { connected, turns } from './support/queues.js'

const ref = { topic: 't', group: 'g' }
const error = new MqError('MQ_CONNECTION_LOST', 'cut')

describe('an event', () => {
  it.each([
    ['error', { type: 'error', error, ...ref }, { error, ...ref }],
    ['data-loss', { type: 'data-loss', ...ref, reason: 'trimmed', count: 3 }, { ...ref, reason: 'trimmed', count: 3 }],
    ['blocked', { type: 'blocked', blocked: true, reason: 'memory' }, { blocked: true, reason: 'memory' }],
  ] as const)('%s of the adapter reaches its listeners, and is not logged then', async (name, event, expected) => {
    const { queue, adapter, log } = await connected()
    const seen: unknown[] = []
    queue.on(name, (value) => seen.push(value))
    adapter.emit(event)
    expect(seen).toMatchObject([expected])
    expect(log.lines).toEqual([])
  })

  it('that tells of trouble is logged when nobody listens', async () => {
    const { adapter, log } = await connected()
    adapter.emit({ type: 'error', error, ...ref })
    adapter.emit({ type: 'data-loss', ...ref, reason: 'trimmed' })
    adapter.emit({ type: 'blocked', blocked: true })
    expect(log.lines).toEqual([
      { level: 'error', message: 'cut', fields: { ...ref, code: 'MQ_CONNECTION_LOST' } },
      { level: 'error', message: 'Messages were lost: trimmed', fields: ref },
    ])
  })

  it('reaches a listener as often as it was added, and no more once it was taken away', async () => {
    const { queue, adapter } = await connected()
    const listener = vi.fn()
    const remove = queue.on('error', listener)
    queue.on('error', listener)
    adapter.emit({ type: 'error', error })
    expect(listener).toHaveBeenCalledTimes(2)
    remove()
    remove()
    adapter.emit({ type: 'error', error })
    expect(listener).toHaveBeenCalledTimes(3)
  })

  it('reaches the other listeners when one throws or rejects, and that is logged', async () => {
    const { queue, adapter, log } = await connected()
    const mistake = new Error('listener broken')
    queue.on('error', () => {
      throw mistake
    })
    queue.on('error', async () => {
      throw mistake
    })
    const last = vi.fn()
    queue.on('error', last)
    adapter.emit({ type: 'error', error })
    await turns()
    expect(last).toHaveBeenCalledOnce()
    const fields = {
      error: { name: 'Error', message: 'listener broken', stack: expect.stringContaining('events.test') },
    }
    const line = { level: 'error', message: "A listener for 'error' threw: listener broken", fields }
    expect(log.lines).toEqual([line, line])
  })

  it('is logged all the same if its only listeners leave it to the log', async () => {
    const { queue, adapter, log } = await connected()
    const seen: unknown[] = []
    const remove = queue.on('error', (event) => seen.push(event), { keepsLog: true })
    queue.on('data-loss', (event) => seen.push(event), { keepsLog: true })
    adapter.emit({ type: 'error', error, ...ref })
    adapter.emit({ type: 'data-loss', ...ref, reason: 'trimmed' })
    expect(seen).toMatchObject([
      { error, ...ref },
      { ...ref, reason: 'trimmed' },
    ])
    expect(log.lines.map(({ message }) => message)).toEqual(['cut', 'Messages were lost: trimmed'])
    queue.on('error', () => {})
    adapter.emit({ type: 'error', error })
    remove()
    adapter.emit({ type: 'error', error })
    expect(seen).toHaveLength(3)
    expect(log.lines).toHaveLength(2)
  })

  it('reaches a listener that leaves it to the log also if a handler or another listener failed', async () => {
    const opened = await connected()
    const { queue, log } = opened
    const seen: string[] = []
    queue.on('error', (event) => void seen.push(event.error.message), { keepsLog: true })
    queue.on(
      'settled',
      () => {
        throw new Error('listener broken')
      },
      { keepsLog: true },
    )
    const failing = () => {
      throw new Error('handler broken')
    }
    await deliver(await handleOf(opened, failing, { ephemeral: true })).settlement
    const texts = [expect.stringContaining('handler broken'), expect.stringContaining('listener broken')]
    expect(seen).toEqual(texts)
    expect(log.lines.map(({ message }) => message)).toEqual(texts)
  })

  it('takes no options but those that exist', async () => {
    const { queue } = await connected()
    const listening = (options: unknown) => () => queue.on('error', () => {}, options as never)
    for (const options of [null, 7, { keepsLog: 'yes' }]) await typeErrorOf(listening(options))
    await mqErrorOf(listening({ keeps: true }), 'MQ_INVALID_OPTION')
  })

  it('must be one that exists, and its listener a function', async () => {
    const { queue } = await connected()
    const names = ['errors', 'constructor', undefined] as unknown as (keyof QueueEvents)[]
    for (const name of names) await typeErrorOf(() => queue.on(name, () => {}))
    await typeErrorOf(() => queue.on('error', undefined as never))
  })
})

describe('the event settled', () => {
  it('tells how each run ended', async () => {
    let time = 1_000
    const clock = { now: () => time, monotonic: () => time, setTimeout: () => ({ cancel: () => {} }) }
    const opened = await connected({ clock })
    const seen: SettledEvent[] = []
    opened.queue.on('settled', (event) => seen.push(event))
    const retry = { attempts: 2, backoff: 'fixed', delayMs: 100, jitter: 'none' } as const
    const handle = await handleOf(
      opened,
      ({ attempt }) => {
        time += 5
        if (attempt < 3) throw new Error('no')
      },
      { retry },
    )
    await deliver(handle).settlement
    await deliver(handle, { attempt: 2 }).settlement
    const base = { topic: 'user.created', group: 'welcome', id: 'm-1', durationMs: 5 }
    expect(seen).toEqual([
      { ...base, attempt: 1, settlement: 'retry', delayMs: 100, failure: expect.objectContaining({ attempts: 1 }) },
      { ...base, attempt: 2, settlement: 'dead', failure: expect.objectContaining({ attempts: 2 }) },
    ])
  })

  it('says how long a run took also when the time of day goes back meanwhile', async () => {
    let elapsed = 100
    let time = 1_000_000
    const clock = { now: () => time, monotonic: () => elapsed, setTimeout: () => ({ cancel: () => {} }) }
    const opened = await connected({ clock })
    const seen: number[] = []
    opened.queue.on('settled', ({ durationMs }) => seen.push(durationMs))
    const handle = await handleOf(opened, () => {
      elapsed += 7
      time -= 500_000
    })
    await deliver(handle).settlement
    expect(seen).toEqual([7])
  })

  it('does not change what becomes of the message when its listener throws', async () => {
    const opened = await connected()
    opened.queue.on('settled', () => {
      throw new Error('listener broken')
    })
    expect(await deliver(await handleOf(opened, () => {})).settlement).toEqual({ kind: 'done' })
  })
})

describe('an ephemeral handler that fails', () => {
  it('is an error event: its message is gone', async () => {
    const opened = await connected()
    const seen: unknown[] = []
    opened.queue.on('error', (event) => seen.push(event))
    const handle = await handleOf(
      opened,
      () => {
        throw new Error('no')
      },
      { ephemeral: true },
    )
    expect(await deliver(handle).settlement).toMatchObject({ kind: 'dead' })
    expect(seen).toMatchObject([{ error: { code: 'MQ_OPERATION_FAILED' }, topic: 'user.created' }])
    expect(String((seen[0] as { error: Error }).error.message)).toContain('no')
  })
})

describe('a log', () => {
  beforeEach(() => void vi.spyOn(console, 'error').mockImplementation(() => {}))
  afterEach(() => void vi.restoreAllMocks())

  it('is stderr where none is given', async () => {
    const adapter = fakeAdapter()
    await createQueue(adapter).connect()
    adapter.emit({ type: 'error', error })
    expect(console.error).toHaveBeenCalledWith('[mq] cut', { code: 'MQ_CONNECTION_LOST' })
  })

  it('that throws does not make the handling of a message reject', async () => {
    const broken = (): never => {
      throw new Error('disk full')
    }
    const log = { debug: broken, info: broken, warn: broken, error: broken }
    const adapter = fakeAdapter()
    const queue = createQueue(adapter, { log })
    await queue.connect()
    queue.on('settled', broken)
    for (const options of [{ ephemeral: true }, {}]) {
      const handle = await handleOf({ queue, adapter }, broken, options)
      expect(await deliver(handle, { attempt: 5 }).settlement).toMatchObject({ kind: 'dead' })
    }
  })
})
