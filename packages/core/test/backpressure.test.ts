import { describe, expect, it } from 'vitest'
import { mqErrorOf } from './support/errors.js'
import { storeAll } from './support/fake-adapter.js'
import { connected, gate, turns } from './support/queues.js'

/** An adapter that answers when the test says so. */
function held() {
  const answer = gate()
  const publish = async (messages: Parameters<typeof storeAll>[0]) => {
    await answer.passed
    return storeAll(messages)
  }
  return { answer, behaviour: { publish } }
}

const options = { id: 'i' }

describe('publish', () => {
  it('rejects with MQ_BACKPRESSURE when too many messages wait, and sends nothing', async () => {
    const { answer, behaviour } = held()
    const { queue, adapter } = await connected(behaviour, { maxPendingMessages: 3 })
    const waiting = [queue.publish('t', 1), queue.publishAll('t', [1, 2])]
    await turns()
    const error = await mqErrorOf(() => queue.publish('t', 1), 'MQ_BACKPRESSURE')
    expect(error.message).toContain('3 messages')
    expect(adapter.published).toHaveLength(2)
    answer.open()
    await Promise.all(waiting)
    await queue.publishAll('t', [1, 2, 3])
  })

  it('rejects with MQ_BACKPRESSURE when too many bytes wait', async () => {
    const { answer, behaviour } = held()
    const { queue } = await connected(behaviour, { maxPendingBytes: 100 })
    const waiting = queue.publish('t', new Uint8Array(60), options)
    await turns()
    await mqErrorOf(() => queue.publish('t', new Uint8Array(39), options), 'MQ_BACKPRESSURE')
    const fitting = queue.publish('t', new Uint8Array(38), options)
    answer.open()
    await Promise.all([waiting, fitting])
    await queue.publish('t', new Uint8Array(99), options)
  })

  it('sends a list that is larger than the limits in portions, in its order, with room for others', async () => {
    const { queue, adapter } = await connected()
    const list = Array.from({ length: 20_000 }, (_, index) => index)
    const publishing = queue.publishAll('t', list, { id: (index) => `${index}` })
    await queue.publish('other', 1)
    expect((await publishing).map(({ id }) => Number(id))).toEqual(list)
    const portions = adapter.published.filter(({ topic }) => topic === 't').map(({ messages }) => messages)
    expect(portions.map(({ length }) => length)).toEqual([5_000, 5_000, 5_000, 5_000])
    expect(portions.flat().map(({ id }) => Number(id))).toEqual(list)
    queue.use({ publish: (request, next) => next(request) })
    expect(await queue.publishAll('t', list)).toHaveLength(20_000)
  })

  it('cuts by bytes, and never a message', async () => {
    const { queue, adapter } = await connected({}, { maxPendingBytes: 100 })
    await queue.publishAll(
      't',
      [60, 40, 5, 5, 5, 60, 60].map((bytes) => new Uint8Array(bytes)),
      { id: () => 'i' },
    )
    expect(adapter.published.map(({ messages }) => messages.map(({ body }) => body.byteLength))).toEqual([
      [60],
      [40, 5],
      [5, 5],
      [60],
      [60],
    ])
    const error = await mqErrorOf(() => queue.publish('t', new Uint8Array(100), options), 'MQ_BACKPRESSURE')
    expect(error.message).toContain('raise maxPendingBytes')
  })

  it('refuses a list as a whole when others have its room', async () => {
    const { answer, behaviour } = held()
    const { queue, adapter } = await connected(behaviour, { maxPendingMessages: 4 })
    const waiting = queue.publishAll('t', [1, 2, 3])
    await turns()
    await mqErrorOf(() => queue.publishAll('t', [1, 2, 3, 4, 5]), 'MQ_BACKPRESSURE')
    expect(adapter.published).toHaveLength(1)
    answer.open()
    await waiting
    await queue.publishAll('t', [1, 2, 3, 4, 5])
  })

  it('says of each message of a list whether it was sent before the time was over', async () => {
    let calls = 0
    const publish = async (messages: Parameters<typeof storeAll>[0]) => {
      if (calls++ > 0) await new Promise((resolve) => setTimeout(resolve, 40))
      return storeAll(messages)
    }
    const { queue } = await connected({ publish }, { maxPendingMessages: 2 })
    const error = await mqErrorOf(() => queue.publishAll('t', [1, 2, 3, 4], { timeoutMs: 30 }), 'MQ_PUBLISH_REJECTED')
    const statuses = (error.outcomes as readonly { status: string }[]).map(({ status }) => status)
    expect(statuses).toEqual(['stored', 'stored', 'rejected', 'rejected'])
    expect(calls).toBe(2)
  })

  it('has all its room again, however the publishes before it ended', async () => {
    const endings = [
      async () => {
        throw new Error('rejects')
      },
      () => {
        throw new Error('throws')
      },
      async () => [],
      storeAll,
    ]
    let calls = 0
    const { queue } = await connected(
      { publish: (messages) => (endings[calls++ % endings.length] ?? storeAll)(messages) },
      { maxPendingMessages: 1, maxPendingBytes: 100 },
    )
    const full = new Uint8Array(99)
    for (let round = 0; round < 12; round++) await queue.publish('t', full, options).catch(() => {})
    expect(calls).toBe(12)
    await mqErrorOf(() => queue.publish('t', 1, { ...options, signal: AbortSignal.abort() }), 'MQ_PUBLISH_REJECTED')
    await mqErrorOf(() => queue.publish('t', new Uint8Array(100), options), 'MQ_BACKPRESSURE')
    await queue.publish('t', full, options).catch(() => {})
    expect(calls).toBe(13)
  })
})
