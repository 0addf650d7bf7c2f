import { describe, expect, it } from 'vitest'
import { createScheduler, defineTask } from '../src/index.js'
import { mqErrorOf } from './support/errors.js'
import { connected } from './support/queues.js'

const capabilities = { joinsTransactions: true }
const run = async (): Promise<unknown> => []

describe('the option transaction', () => {
  it('reaches the adapter as a function that runs a statement', async () => {
    const { queue, adapter } = await connected({ capabilities })
    await queue.publish('t', 1, { transaction: run })
    const client = {
      name: 'client',
      async query(text: string, values: unknown[]) {
        return [this.name, text, values]
      },
    }
    await queue.publishAll('t', [1, 2], { transaction: client })
    await queue.publishTombstone('t', 'k', { transaction: client })
    await queue.publish('t', 1)
    const [first, second, third, none] = adapter.published.map(({ call }) => call.transaction)
    expect(first).toBe(run)
    for (const joined of [second, third]) expect(await joined?.('SQL', [1])).toEqual(['client', 'SQL', [1]])
    expect(none).toBeUndefined()
  })

  it('is refused by an adapter that joins none, before anything is sent', async () => {
    const { queue, adapter } = await connected()
    for (const publishing of [
      () => queue.publish('t', 1, { transaction: run }),
      () => queue.publishAll('t', [1], { transaction: run }),
      () => queue.publishTombstone('t', 'k', { transaction: run }),
    ]) {
      expect((await mqErrorOf(publishing, 'MQ_NOT_SUPPORTED')).message).toContain('have no joinsTransactions')
    }
    expect(adapter.published).toEqual([])
  })

  it('has to be a client or a function', async () => {
    const { queue } = await connected({ capabilities })
    for (const transaction of [1, 'BEGIN', {}, { query: 1 }, null]) {
      await expect(queue.publish('t', 1, { transaction: transaction as never })).rejects.toThrow(TypeError)
    }
  })

  const task = defineTask({ name: 'greet', execute: (name: string) => name })

  /** A store that notes its calls, and joins transactions. */
  const storeOf = (calls: string[], where = 'alone') => ({
    claim: async (key: string, value: string) => {
      calls.push(`${where} claims ${key.split('/')[0]}`)
      return value
    },
    put: async (key: string) => void calls.push(`${where} puts ${key.split('/')[0]}`),
    get: async () => undefined,
    compareAndSet: async () => true,
    delete: async () => true,
    within: () => storeOf(calls, 'within'),
  })

  it('of an enqueue is that of its store too, and its statements come one after the other', async () => {
    const { queue, adapter } = await connected({ capabilities })
    const calls: string[] = []
    const scheduler = createScheduler(queue, { store: storeOf(calls) as never })
    await scheduler.enqueue(task, 'Ada', { idempotencyKey: 'k', transaction: run })
    expect(calls).toEqual(['within claims once', 'within puts key', 'within claims outcome'])
    expect(adapter.published[0]?.call.transaction).toBe(run)
  })

  it('lets a failure of the store reject the enqueue, because it has ended the transaction', async () => {
    const { queue, adapter } = await connected({ capabilities })
    const failing = {
      ...storeOf([]),
      within: () => ({ ...storeOf([]), claim: () => Promise.reject(new Error('aborted')) }),
    }
    const scheduler = createScheduler(queue, { store: failing as never })
    await expect(scheduler.enqueue(task, 'Ada', { transaction: run })).rejects.toThrow('aborted')
    expect(adapter.published).toEqual([])
  })

  it('goes with no idempotencyKey if the store cannot join it, and leaves the store alone', async () => {
    const { queue } = await connected({ capabilities })
    const calls: string[] = []
    const { within: _, ...store } = storeOf(calls)
    const scheduler = createScheduler(queue, { store: store as never })
    await scheduler.enqueue(task, 'Ada', { transaction: run })
    expect(calls).toEqual([])
    const keyed = () => scheduler.enqueue(task, 'Ada', { idempotencyKey: 'k', transaction: run })
    await mqErrorOf(keyed, 'MQ_NOT_SUPPORTED')
  })

  it('cannot be given to run, which would wait for itself', async () => {
    const { queue } = await connected({ capabilities })
    const running = () => createScheduler(queue).run(task, 'Ada', { transaction: run } as never)
    await mqErrorOf(running, 'MQ_INVALID_OPTION')
  })
})
