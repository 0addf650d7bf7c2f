import { describe, expect, it } from 'vitest'
import { createLedger } from '../../src/conformance/kit/ledger.js'
import type { Worker, WorkerEvent } from '../../src/conformance/subject.js'
import { type Handler, MqError, type Queue } from '../../src/index.js'

const quietMs = 40
const withinMs = 60

/** Creates a queue that stores nothing. The test decides how a publish ends and what is delivered. */
function stubQueue({ publish = async () => {} }: { readonly publish?: (id: string) => Promise<void> } = {}) {
  let handler: Handler | undefined
  const dead: string[] = []
  const queue = {
    publish: async (_: string, __: unknown, { id }: { readonly id: string }) => {
      await publish(id)
      return { id, routed: 'yes' }
    },
    subscribe: async (_: string, given: Handler) => {
      handler = given
      return {}
    },
    deadLetters: () => ({ list: async () => dead.map((id) => ({ message: { id } })) }),
  } as unknown as Queue
  const deliver = async (...ids: readonly string[]): Promise<void> => {
    for (const id of ids) await handler?.({ id, attempt: 1 } as never, {} as never)
  }
  return { queue, deliver, dead }
}

const rejects = (code: 'MQ_PUBLISH_REJECTED' | 'MQ_PUBLISH_UNKNOWN' | 'MQ_CLOSED', ...ids: readonly string[]) => ({
  publish: async (id: string): Promise<void> => {
    if (ids.includes(id)) throw new MqError(code, 'as the test wants it')
  },
})

/** Creates a ledger of three messages, `m-0` to `m-2`. */
async function ledgerOf(stub: ReturnType<typeof stubQueue>) {
  const ledger = createLedger({ topic: 'topic', group: 'g', quietMs })
  await ledger.collect(stub.queue)
  await ledger.publish(stub.queue, { count: 3 })
  return ledger
}

describe('the ledger', () => {
  it('adds up if every acknowledged message was handled once', async () => {
    const stub = stubQueue()
    const ledger = await ledgerOf(stub)
    await stub.deliver('m-2', 'm-0', 'm-1')
    await ledger.check({ queue: stub.queue, duplicates: 0, withinMs })
    expect([...ledger.published]).toEqual(['m-0', 'm-1', 'm-2'])
  })

  it('reports its counts at each check, even at one that fails', async () => {
    const stub = stubQueue(rejects('MQ_PUBLISH_UNKNOWN', 'm-0'))
    const checked: unknown[] = []
    let stored = 0
    const ledger = createLedger({
      topic: 'topic',
      group: 'g',
      quietMs,
      onStored: () => {
        stored += 1
      },
      onCheck: (counts) => checked.push(counts),
    })
    await ledger.collect(stub.queue)
    await ledger.publish(stub.queue, { count: 3 })
    await stub.deliver('m-1', 'm-1', 'm-1')
    await expect(ledger.check({ queue: stub.queue, duplicates: 2, withinMs })).rejects.toThrow('1 of 2 acknowledged')
    await stub.deliver('m-2')
    await ledger.check({ queue: stub.queue, duplicates: 2, withinMs })
    expect(stored).toBe(2)
    expect(checked).toEqual([
      { stored: 2, lost: 1, repeated: 2 },
      { stored: 2, lost: 0, repeated: 2 },
    ])
  })

  it('finds lost messages, and says how many and which', async () => {
    const stub = stubQueue()
    const ledger = await ledgerOf(stub)
    await stub.deliver('m-1')
    const check = ledger.check({ queue: stub.queue, duplicates: 0, withinMs })
    await expect(check).rejects.toThrow(`Waited ${withinMs} ms for 2 of 3 acknowledged messages: m-0, m-2`)
  })

  it('waits for late messages, and accounts for dead letters', async () => {
    const stub = stubQueue()
    const ledger = await ledgerOf(stub)
    stub.dead.push('m-0')
    const check = ledger.check({ queue: stub.queue, duplicates: 0, withinMs: 300 })
    await stub.deliver('m-1')
    setTimeout(() => stub.deliver('m-2'), 100)
    await check
  })

  it('finds a handled message that was not published', async () => {
    const stub = stubQueue()
    const ledger = await ledgerOf(stub)
    await stub.deliver('m-0', 'm-1', 'm-2', 'stranger')
    const check = ledger.check({ queue: stub.queue, duplicates: 0, withinMs })
    await expect(check).rejects.toThrow(/handled, but not published(.|\n)*stranger/)
  })

  it('finds a handled message whose publish was rejected', async () => {
    const stub = stubQueue(rejects('MQ_PUBLISH_REJECTED', 'm-1'))
    const ledger = await ledgerOf(stub)
    expect([...ledger.rejected]).toEqual(['m-1'])
    await stub.deliver('m-0', 'm-1', 'm-2')
    await expect(ledger.check({ queue: stub.queue, duplicates: 0, withinMs })).rejects.toThrow(/rejected(.|\n)*m-1/)
  })

  it.each([
    ['m-0', 'm-2'],
    ['m-0', 'm-1', 'm-2'],
  ])('allows a message in doubt to be handled or not: %s', async (...ids) => {
    const stub = stubQueue(rejects('MQ_PUBLISH_UNKNOWN', 'm-1'))
    const ledger = await ledgerOf(stub)
    expect([...ledger.unknown]).toEqual(['m-1'])
    await stub.deliver(...ids)
    await ledger.check({ queue: stub.queue, duplicates: 0, withinMs })
  })

  it('counts every repeated run, and allows only the given number', async () => {
    const stub = stubQueue()
    const ledger = await ledgerOf(stub)
    await stub.deliver('m-0', 'm-1', 'm-1', 'm-1', 'm-2', 'm-2')
    const text = '3 repeated runs, at most 2 are allowed: m-1 x3, m-2 x2'
    await expect(ledger.check({ queue: stub.queue, duplicates: 2, withinMs })).rejects.toThrow(text)
    await ledger.check({ queue: stub.queue, duplicates: 3, withinMs })
  })

  it('counts a repeated run shortly after the last message', async () => {
    const stub = stubQueue()
    const ledger = await ledgerOf(stub)
    await stub.deliver('m-0', 'm-1', 'm-2')
    const check = ledger.check({ queue: stub.queue, duplicates: 0, withinMs })
    setTimeout(() => stub.deliver('m-0'), quietMs / 2)
    await expect(check).rejects.toThrow('1 repeated runs')
  })

  it('counts only successful runs', async () => {
    const stub = stubQueue()
    const ledger = createLedger({ topic: 'topic', group: 'g', quietMs })
    await ledger.collect(stub.queue, { handler: ({ id }) => (id === 'm-1' ? Promise.reject(new Error('broken')) : 1) })
    await ledger.publish(stub.queue, { count: 2 })
    await stub.deliver('m-0')
    await expect(stub.deliver('m-1')).rejects.toThrow('broken')
    await expect(ledger.check({ queue: stub.queue, duplicates: 0, withinMs })).rejects.toThrow('1 of 2')
  })

  it('counts the messages that a worker outside the process has handled', async () => {
    const stub = stubQueue()
    const ledger = await ledgerOf(stub)
    const events: WorkerEvent[] = [
      { type: 'ready' },
      { type: 'handled', id: 'm-0' },
      { type: 'started', id: 'm-1' },
      { type: 'handled', id: 'm-2' },
    ]
    ledger.watch({ events } as unknown as Worker)
    await expect(ledger.check({ queue: stub.queue, duplicates: 0, withinMs })).rejects.toThrow('1 of 3')
    events.push({ type: 'handled', id: 'm-1' })
    await ledger.check({ queue: stub.queue, duplicates: 0, withinMs })
  })

  it('throws an error with which a publish must not reject', async () => {
    const stub = stubQueue(rejects('MQ_CLOSED', 'm-1'))
    await expect(ledgerOf(stub)).rejects.toMatchObject({ code: 'MQ_CLOSED' })
  })

  it('publishes at most the given number at a time, each with its data and its key', async () => {
    let running = 0
    let peak = 0
    const seen: unknown[] = []
    const queue = {
      publish: async (topic: string, data: unknown, options: object) => {
        seen.push([topic, data, options])
        peak = Math.max(peak, ++running)
        await new Promise((resolve) => setTimeout(resolve, 2))
        running -= 1
      },
    } as unknown as Queue
    const ledger = createLedger({ topic: 'topic', group: 'g', quietMs })
    await ledger.publish(queue, { count: 9, parallel: 3, data: (index) => index, key: (index) => `k-${index}` })
    expect(peak).toBe(3)
    expect(seen[8]).toEqual(['topic', 8, { id: 'm-8', key: 'k-8' }])
    await ledger.publish(queue, { count: 1 })
    expect(seen[9]).toEqual(['topic', { index: 9 }, { id: 'm-9' }])
  })
})
