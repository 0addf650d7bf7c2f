import { MqError } from '@mq/core/adapter'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createCopier } from '../src/publish/copies.js'
import type { Outbox } from '../src/publish/outbox.js'
import { namespaceFor } from '../src/topology/names.js'

describe('a copy that is refused', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it.each(['abandoned', 'closed'])('leaves no timer once it is over: %s', async (how) => {
    const closing = new AbortController()
    const error = new MqError('MQ_PUBLISH_UNKNOWN', 'a queue is full')
    const outbox = {
      sendOne: () => ({ parcel: undefined, outcome: Promise.resolve({ status: 'unknown', routed: 'unknown', error }) }),
      get isClosed() {
        return closing.signal.aborted
      },
      closing: closing.signal,
    } as unknown as Outbox
    const copier = createCopier({
      names: namespaceFor('mq'),
      outbox,
      laneOf: () => 'calm',
      hasQueue: async () => true,
      redeclareGroup: async () => undefined,
      report: () => undefined,
    })
    const ref = { topic: 't', group: 'g' }
    const copying = copier({ ref, from: 'group', queue: 'group', delayMs: 0, content: Buffer.alloc(0), properties: {} })
    await vi.advanceTimersByTimeAsync(0)
    expect(vi.getTimerCount()).toBe(1)
    if (how === 'abandoned') copying.abandon()
    else closing.abort()
    expect(await copying.result).toBe('abandoned')
    expect(vi.getTimerCount()).toBe(0)
  })
})
