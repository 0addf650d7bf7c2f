import { Worker } from 'node:worker_threads'
import { brokers, child, shared, until } from '@mq/test-brokers'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { StandingReport } from './children/standing.js'
import { newTopic, open } from './support/open.js'
import { committedOffsets } from './support/outside.js'

const standing = new URL('./children/standing.ts', import.meta.url)

describe.skipIf(!brokers.wanted('kafka'))('a membership in a thread of its own', () => {
  it('keeps a message whose handler holds the event loop for more than two sessions', {
    timeout: 120_000,
  }, async () => {
    const server = await shared('kafka')
    const { queue } = await open({ partitions: 1 })
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    const worker = await child<StandingReport>(standing, { args: [server.url, topic] })
    await worker.waitFor((reports) => reports.length > 0, { what: 'it to join', timeoutMs: 60_000 })
    const { id } = await queue.publish(topic, { holdMs: 15_000 })
    await worker.waitFor((reports) => reports.some(({ type }) => type === 'began'), {
      what: 'its run',
      timeoutMs: 20_000,
    })
    const elsewhere: string[] = []
    // It joins beside the one that stands still.
    await queue.subscribe(topic, (message) => void elsewhere.push(message.id))
    await worker.waitFor((reports) => reports.some(({ type }) => type === 'ended'), {
      what: 'its end',
      timeoutMs: 40_000,
    })
    await until(async () => (await committedOffsets(server, { topic, group: 'g' })) === 1, { what: 'its commit' })
    expect(elsewhere).toEqual([])
    await worker.kill()
    await queue.publish(topic, { holdMs: 0 })
    await until(() => elsewhere.length > 0, { what: 'the takeover', timeoutMs: 40_000 })
    expect(elsewhere).not.toContain(id)
    expect(worker.reported().filter(({ type }) => type === 'began')).toHaveLength(1)
  })

  it('that dies with its thread is reported, and goes on in the main thread with a longer session', {
    timeout: 120_000,
  }, async () => {
    const posts = vi.spyOn(Worker.prototype, 'postMessage')
    onTestFinished(() => posts.mockRestore())
    const { queue, events } = await open({ sessionTimeoutMs: undefined })
    const topic = newTopic()
    const handled: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void handled.push(data))
    await queue.publish(topic, 'before')
    await until(() => handled.length === 1, { what: 'a message in the thread' })
    expect([queue.health().maxStallMs, events]).toEqual([300_000, []])
    const thread = posts.mock.contexts[0] as Worker
    await thread.terminate()
    await until(() => events.length > 0, { what: 'the event' })
    expect(events).toMatchObject([
      {
        type: 'error',
        group: 'g',
        error: { message: expect.stringContaining('The thread of the group memberships has ended') },
      },
    ])
    expect(queue.health().maxStallMs).toBe(30_000)
    await queue.publish(topic, 'after')
    await until(() => handled.includes('after'), { what: 'a message after it', timeoutMs: 60_000 })
    expect(queue.health().status).toBe('up')
  })
})
