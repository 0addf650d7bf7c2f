import { setTimeout as sleep } from 'node:timers/promises'
import { brokers, proxy, shared, until } from '@mq/test-brokers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { newTopic, open } from './support/open.js'

const backlog = 300

describe.skipIf(!brokers.owned('kafka'))('a consumer whose commits do not reach the broker', () => {
  it('starts at most twenty handlers for each slot, so that a crash repeats no more', async () => {
    const server = await shared('kafka')
    const link = await proxy(server)
    onTestFinished(() => link.close())
    const { queue } = await open({ url: server.url, partitions: 1 })
    const { queue: consumer } = await open({ url: link.url, partitions: 1, requestTimeoutMs: 20_000 })
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    await queue.publishAll(
      topic,
      Array.from({ length: backlog }, (_, index) => index),
    )
    let begin = (): void => {}
    const frozen = new Promise<void>((resolve) => (begin = resolve))
    const handled: unknown[] = []
    await consumer.subscribe(
      topic,
      async ({ data }) => {
        await frozen
        handled.push(data)
      },
      { concurrency: 2 },
    )
    await until(() => consumer.health().consumers[0]?.status === 'consuming', { what: 'the consumer' })
    // What was read by now is in memory: one batch, which is read as a whole.
    await sleep(500)
    await link.freeze('in')
    begin()
    await until(() => handled.length >= 40, { what: 'as many as may' })
    await sleep(500)
    // Both slots may begin one more before the last of the forty is finished.
    expect(handled.length).toBeLessThanOrEqual(42)
    await link.heal()
    await until(() => handled.length >= backlog, { what: 'all to be handled', timeoutMs: 20_000 })
    expect(new Set(handled).size).toBe(backlog)
  })
})
