import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { mqErrorOf } from './support/errors.js'
import { storeAll } from './support/fake-adapter.js'
import { connected, gate, turns } from './support/queues.js'

describe('many publishes with one signal', () => {
  it('cause no warning, and leave no listener', async () => {
    const answer = gate()
    const { queue } = await connected({ publish: (messages) => answer.passed.then(() => storeAll(messages)) })
    const warnings: unknown[] = []
    const note = (warning: unknown): void => void warnings.push(warning)
    process.on('warning', note)
    const { signal } = new AbortController()
    const publishes = Array.from({ length: 50 }, () => queue.publish('t', 1, { signal }))
    await turns()
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    answer.open()
    await Promise.all(publishes)
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', note)
    expect(warnings).toEqual([])
    expect(getEventListeners(signal, 'abort')).toEqual([])
    await queue.publish('t', 1, { signal })
  })

  it('all end when it aborts, but for those that have ended before', async () => {
    let calls = 0
    const { queue } = await connected({
      publish: (messages, { signal }) =>
        calls++ === 0
          ? Promise.resolve(storeAll(messages))
          : new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    })
    const controller = new AbortController()
    const { signal } = controller
    await queue.publish('t', 1, { signal })
    const publishes = Array.from({ length: 12 }, () =>
      mqErrorOf(() => queue.publish('t', 1, { signal }), 'MQ_PUBLISH_UNKNOWN'),
    )
    await turns()
    controller.abort(new Error('enough'))
    await Promise.all(publishes)
    expect(getEventListeners(signal, 'abort')).toEqual([])
    await mqErrorOf(() => queue.publish('t', 1, { signal }), 'MQ_PUBLISH_REJECTED')
  })
})
