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

  it('refuses a list as a whole that does not fit', async () => {
    const { queue, adapter } = await connected({}, { maxPendingMessages: 2 })
    await mqErrorOf(() => queue.publishAll('t', [1, 2, 3]), 'MQ_BACKPRESSURE')
    queue.use({ publish: (request, next) => next(request) })
    await mqErrorOf(() => queue.publishAll('t', [1, 2, 3]), 'MQ_BACKPRESSURE')
    expect(adapter.published).toEqual([])
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
