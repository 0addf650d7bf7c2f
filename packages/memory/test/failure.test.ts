import { RetryLater, Unrecoverable } from '@mq/core'
import { describe, expect, it } from 'vitest'
import { fail, gate, open } from './support/open.js'

describe('retry', () => {
  it('runs a failing message again after each backoff, never early, and then buries it', async () => {
    const { adapter, queue, clock } = await open()
    const startedAt = clock.now()
    const runs: [attempt: number, atMs: number][] = []
    const handler = ({ attempt }: { attempt: number }): never => {
      runs.push([attempt, clock.now() - startedAt])
      return fail()
    }
    await queue.subscribe('orders', handler, { retry: { attempts: 4, delayMs: 1_000, factor: 3 } })
    await queue.publish('orders', 1)
    await adapter.settled()
    expect(runs).toEqual([
      [1, 0],
      [2, 1_000],
      [3, 4_000],
      [4, 13_000],
    ])
    expect(await queue.stats('orders')).toMatchObject({ ready: 0, inFlight: 0, delayed: 0, retrying: 0, dead: 1 })
  })

  it('does not run a message before its backoff is over', async () => {
    const { adapter, queue, clock } = await open()
    await queue.subscribe('orders', fail, { retry: { attempts: 2, delayMs: 1_000 } })
    await queue.publish('orders', 1)
    await adapter.idle()
    await clock.advance(999)
    expect(adapter.handled()).toHaveLength(1)
    expect((await queue.stats('orders')).retrying).toBe(1)
    await clock.advance(1)
    expect(adapter.handled()).toHaveLength(2)
  })

  it('lets other messages pass while one waits for its retry', async () => {
    const { adapter, queue } = await open()
    const handler = ({ data }: { data: unknown }): void => {
      if (data === 0) fail()
    }
    await queue.subscribe('orders', handler, { concurrency: 1, retry: { attempts: 2, delayMs: 60_000 } })
    await queue.publishAll('orders', [...Array(1_000).keys()])
    await adapter.idle()
    expect(adapter.handled().filter((run) => run.settlement === 'done')).toHaveLength(999)
  })

  it('retries in the group that failed and in no other', async () => {
    const { adapter, queue } = await open()
    await queue.subscribe('orders', fail, { group: 'broken', retry: { attempts: 3 } })
    await queue.subscribe('orders', () => {}, { group: 'sound' })
    await queue.publish('orders', 1)
    await adapter.settled()
    expect(adapter.handled({ group: 'broken' })).toHaveLength(3)
    expect(adapter.handled({ group: 'sound' })).toHaveLength(1)
  })

  it('keeps id, body, headers and key through retries', async () => {
    const { adapter, queue } = await open()
    await queue.subscribe('orders', fail, { retry: { attempts: 3 } })
    await queue.publish('orders', { ü: '✓' }, { id: 'one', key: 'k', headers: { Tenant: '', Note: 'grün' } })
    await adapter.settled()
    for (const run of adapter.handled()) {
      expect(run).toMatchObject({ id: 'one', key: 'k', data: { ü: '✓' } })
      expect({ ...run.headers }).toEqual({ Tenant: '', Note: 'grün' })
    }
    expect(adapter.handled().map((run) => run.attempt)).toEqual([1, 2, 3])
  })

  it('waits as long as RetryLater says, and buries at once what is Unrecoverable', async () => {
    const { adapter, queue } = await open()
    const handler = ({ attempt }: { attempt: number }): never => {
      if (attempt === 1) throw new RetryLater({ afterMs: 5_000 })
      throw new Unrecoverable('no such address')
    }
    await queue.subscribe('orders', handler, { retry: { attempts: 9 } })
    await queue.publish('orders', 1)
    await adapter.settled()
    expect(adapter.handled()).toMatchObject([
      { settlement: 'retry', delayMs: 5_000 },
      { settlement: 'dead', failure: { reason: 'unrecoverable', attempts: 2, error: { message: 'no such address' } } },
    ])
  })

  it('ends a handler at its timeout, on the clock of the test', async () => {
    const { adapter, queue, clock } = await open()
    const reasons: unknown[] = []
    const hang = (_: unknown, { signal }: { signal: AbortSignal }): Promise<never> => {
      signal.addEventListener('abort', () => reasons.push(signal.reason))
      return new Promise(() => {})
    }
    await queue.subscribe('orders', hang, { timeoutMs: 60_000, retry: false })
    await queue.publish('orders', 1)
    await clock.advance(59_999)
    expect(reasons).toEqual([])
    await clock.advance(1)
    await adapter.settled()
    expect(reasons).toMatchObject([{ code: 'MQ_HANDLER_TIMEOUT' }])
    expect(adapter.handled()).toMatchObject([{ settlement: 'dead', failure: { reason: 'timeout' } }])
  })
})

describe('dead letters', () => {
  it('show reason, error, attempts and times, and the message as it was published', async () => {
    const { adapter, queue, clock } = await open()
    const startedAt = clock.now()
    await queue.subscribe('orders', fail, { retry: { attempts: 2, delayMs: 3_000 } })
    await queue.publish('orders', { number: 7 }, { id: 'seven', headers: { tenant: 'a' } })
    await adapter.settled()
    const [entry, ...others] = await queue.deadLetters('orders').list()
    expect(others).toEqual([])
    expect(entry).toMatchObject({
      data: { number: 7 },
      message: { id: 'seven', headers: { tenant: 'a' } },
      failure: {
        reason: 'error',
        error: { name: 'Error', message: 'broken' },
        attempts: 2,
        firstFailedAt: startedAt,
        failedAt: startedAt + 3_000,
      },
    })
  })

  it('are listed in pages, whatever goes meanwhile', async () => {
    const { adapter, queue } = await open()
    await queue.subscribe('orders', fail, { retry: false })
    await queue.publishAll('orders', [1, 2, 3, 4, 5])
    await adapter.settled()
    const dead = queue.deadLetters('orders')
    const first = await dead.page({ limit: 2 })
    expect(first.items.map(({ data }) => data)).toEqual([1, 2])
    await dead.purge([first.items[1]?.entryId ?? ''])
    const second = await dead.page({ limit: 3, after: first.next })
    expect(second.items.map(({ data }) => data)).toEqual([3, 4, 5])
    expect(second.next).toBeUndefined()
    for (const after of ['', 'no page']) {
      await expect(dead.page({ after })).rejects.toMatchObject({ code: 'MQ_INVALID_OPTION' })
    }
    expect(await queue.deadLetters('orders', 'unknown').page()).toEqual({ items: [] })
  })

  it('replays chosen entries to their group alone, as a first attempt with the id they had', async () => {
    const { adapter, queue } = await open()
    let broken = true
    const handler = (): void => {
      if (broken) fail()
    }
    await queue.subscribe('orders', handler, { group: 'a', retry: false })
    await queue.subscribe('orders', () => {}, { group: 'b' })
    await queue.publishAll('orders', [1, 2, 3])
    await adapter.settled()
    broken = false
    const dead = queue.deadLetters('orders', 'a')
    const entries = await dead.list()
    expect(entries.map((entry) => entry.data)).toEqual([1, 2, 3])
    const second = entries[1]?.entryId ?? ''
    expect(await dead.replay([second, second, 'unknown'])).toEqual({ replayed: 1 })
    await adapter.settled()
    const replayed = adapter.handled({ group: 'a' }).filter((run) => run.settlement === 'done')
    expect(replayed).toMatchObject([{ id: entries[1]?.message.id, data: 2, attempt: 1 }])
    expect(adapter.handled({ group: 'b' })).toHaveLength(3)
    expect(await dead.replay()).toEqual({ replayed: 2 })
    await adapter.settled()
    expect(await dead.list()).toEqual([])
  })

  it('purges chosen entries, or all', async () => {
    const { adapter, queue } = await open()
    await queue.subscribe('orders', fail, { retry: false })
    await queue.publishAll('orders', [1, 2, 3])
    await adapter.settled()
    const dead = queue.deadLetters('orders')
    const [first] = await dead.list({ limit: 1 })
    expect(await dead.purge([first?.entryId ?? ''])).toEqual({ purged: 1 })
    expect((await dead.list()).map((entry) => entry.data)).toEqual([2, 3])
    expect(await dead.purge()).toEqual({ purged: 2 })
    expect((await queue.stats('orders')).dead).toBe(0)
  })

  it('does not let a reader of the list change what is stored', async () => {
    const { adapter, queue } = await open()
    await queue.subscribe('orders', fail, { retry: false })
    await queue.publish('orders', 'kept')
    await adapter.settled()
    const dead = queue.deadLetters('orders')
    ;(await dead.list())[0]?.message.body.fill(0)
    expect((await dead.list())[0]?.data).toBe('kept')
  })

  it('loses everything with its group, and reports what consumers lost', async () => {
    const { adapter, queue } = await open()
    const held = gate()
    const losses: unknown[] = []
    const signals: AbortSignal[] = []
    queue.on('data-loss', (loss) => losses.push(loss))
    const handler = ({ data }: { data: unknown }, { signal }: { signal: AbortSignal }): Promise<void> => {
      signals.push(signal)
      return data === 'next' ? Promise.resolve() : held.opened
    }
    await queue.subscribe('orders', handler, { concurrency: 1 })
    await queue.publishAll('orders', [1, 2])
    await expect.poll(() => signals.length).toBe(1)
    await queue.deleteGroup('orders', 'g')
    expect(signals[0]?.reason).toMatchObject({ code: 'MQ_OWNERSHIP_LOST' })
    expect(losses).toMatchObject([{ topic: 'orders', group: 'g', count: 2 }])
    await queue.publish('orders', 'next')
    await adapter.settled()
    held.open()
    await adapter.settled()
    expect(adapter.handled()).toMatchObject([{ data: 'next', settlement: 'done' }])
    expect(await queue.stats('orders')).toMatchObject({ ready: 0, inFlight: 0, delayed: 0, retrying: 0, dead: 0 })
  })
})
