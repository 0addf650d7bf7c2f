import { setTimeout as sleep } from 'node:timers/promises'
import { brokers, type Child, child, shared, until } from '@mq/test-brokers'
import { describe, expect, it } from 'vitest'
import type { WorkerReport } from './children/worker.js'
import { newTopic, open } from './support/open.js'
import { committedOffsets } from './support/outside.js'

const workerModule = new URL('./children/worker.ts', import.meta.url)

describe.skipIf(!brokers.wanted('kafka'))('a group that changes', () => {
  it('loses nothing while four processes join, leave and are killed under load', { timeout: 240_000 }, async () => {
    const { url } = await shared('kafka')
    const { queue } = await open({ partitions: 12 })
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    const workers: Child<WorkerReport>[] = []
    const all: Child<WorkerReport>[] = []
    const join = async (): Promise<void> => {
      const worker = await child<WorkerReport>(workerModule, { args: [url, topic, '5'] })
      workers.push(worker)
      all.push(worker)
      await worker.waitFor((reports) => reports.length > 0, { what: 'a worker to join', timeoutMs: 40_000 })
    }
    await Promise.all([join(), join(), join(), join()])
    const sent = new Set<string>()
    let publishing = true
    const publisher = (async () => {
      for (let count = 0; publishing; count++) {
        const results = await queue.publishAll(
          topic,
          Array.from({ length: 5 }, (_, index) => count * 5 + index),
          {
            key: `k${count % 50}`,
          },
        )
        for (const { id } of results) sent.add(id)
        await sleep(40)
      }
    })()
    for (let round = 0; round < 4; round++) {
      const gone = workers.shift()
      if (round % 2 === 0) await gone?.kill()
      else await gone?.stop()
      await join()
    }
    publishing = false
    await publisher
    const handled = (): WorkerReport[] => all.flatMap((worker) => [...worker.reported()])
    const ids = (): Set<string> => new Set(handled().flatMap((one) => (one.type === 'handled' ? [one.id] : [])))
    await until(() => [...sent].every((id) => ids().has(id)), { what: 'all to be handled', timeoutMs: 60_000 })
    const runs = handled().filter(({ type }) => type === 'handled').length
    // A killed one may have handled messages without committing them: those of 100 ms at most, and those it was handling.
    expect(runs - sent.size).toBeLessThan(3 * 200)
    await Promise.all(workers.map((worker) => worker.stop()))
  })

  it('aborts a handler whose partition went to another consumer, and does not commit what it finishes later', async () => {
    const { queue } = await open({ rebalanceTimeoutMs: 6_000 })
    const { queue: other } = await open({ rebalanceTimeoutMs: 6_000 })
    const topic = newTopic()
    const server = await shared('kafka')
    const signals: AbortSignal[] = []
    const finish: (() => void)[] = []
    await queue.subscribe(
      topic,
      (_, { signal }) => {
        signals.push(signal)
        return new Promise<void>((resolve) => finish.push(resolve))
      },
      { concurrency: 100 },
    )
    for (let count = 0; count < 30; count++) await queue.publish(topic, count, { key: String(count) })
    await until(() => signals.length === 30, { what: 'all handlers to run' })
    const again: string[] = []
    await other.subscribe(topic, async ({ id }) => void again.push(id), { concurrency: 100 })
    await until(() => signals.some(({ aborted }) => aborted), { what: 'a signal to abort', timeoutMs: 15_000 })
    const aborted = signals.filter((signal) => signal.aborted)
    expect(aborted.every(({ reason }) => reason.code === 'MQ_OWNERSHIP_LOST')).toBe(true)
    expect(aborted.length).toBeLessThan(30)
    await until(() => again.length === aborted.length, { what: 'the new owner to handle them', timeoutMs: 15_000 })
    for (const resolve of finish) resolve()
    await until(async () => (await committedOffsets(server, { topic, group: 'g' })) === 30, {
      what: 'all to be committed',
      timeoutMs: 15_000,
    })
    // Nothing ran a third time.
    expect(again).toHaveLength(aborted.length)
  })

  it('disturbs no handler that ends in time, and none of a partition that stays', async () => {
    const { queue } = await open({ rebalanceTimeoutMs: 30_000 })
    const { queue: other } = await open({ rebalanceTimeoutMs: 30_000 })
    const topic = newTopic()
    const running = new Map<string, AbortSignal>()
    let finished = 0
    const handler = async ({ id }: { id: string }, { signal }: { signal: AbortSignal }): Promise<void> => {
      expect(running.has(id)).toBe(false)
      running.set(id, signal)
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      finished += 1
    }
    await queue.subscribe(topic, handler, { concurrency: 100 })
    for (let count = 0; count < 12; count++) await queue.publish(topic, count, { key: String(count) })
    await until(() => running.size === 12, { what: 'all handlers to run' })
    await other.subscribe(topic, handler, { concurrency: 100 })
    await until(() => finished === 12, { what: 'all of them to finish' })
    expect([...running.values()].some(({ aborted }) => aborted)).toBe(false)
  })

  it('does not repeat messages that were finished behind an unfinished one', async () => {
    const { queue } = await open({ partitions: 1 })
    const { queue: next } = await open({ partitions: 1 })
    const topic = newTopic()
    const handled: unknown[] = []
    const subscription = await queue.subscribe(topic, async ({ data }, { signal }) => {
      if (data === 2) await new Promise((resolve) => signal.addEventListener('abort', resolve))
      else handled.push(data)
    })
    for (let count = 0; count < 20; count++) await queue.publish(topic, count)
    await until(() => handled.length === 19, { what: 'the others to be handled' })
    // Others see the progress that an owner has committed, some moments ago.
    await until(async () => (await next.stats(topic, 'g')).ready === 0, { what: 'the progress to be committed' })
    expect(await next.stats(topic, 'g')).toMatchObject({ ready: 0, delayed: 0, dead: 0 })
    await subscription.stop({ timeoutMs: 0 })
    const again: unknown[] = []
    await next.subscribe(topic, ({ data }) => void again.push(data))
    await next.publish(topic, 'last')
    await until(() => again.includes('last') && again.includes(2), { what: 'what was left', timeoutMs: 15_000 })
    expect(again).toEqual([2, 'last'])
  })

  it('commits only up to the oldest unfinished message', async () => {
    const { queue } = await open({ partitions: 1 })
    const server = await shared('kafka')
    const topic = newTopic()
    let release = (): void => {}
    const handled: number[] = []
    await queue.subscribe(topic, async (message) => {
      const data = message.data as number
      if (data === 2) await new Promise<void>((resolve) => (release = resolve))
      handled.push(data)
    })
    for (let count = 0; count < 20; count++) await queue.publish(topic, count)
    await until(() => handled.length === 19, { what: 'the others to be handled' })
    const committed = (): Promise<number> => committedOffsets(server, { topic, group: 'g' })
    await until(async () => (await committed()) === 2, { what: 'what lies before to be committed' })
    await sleep(500)
    expect(await committed()).toBe(2)
    release()
    await until(async () => (await committed()) === 20, { what: 'all to be committed' })
  })

  it('reads no further than maxUncommitted past the oldest unfinished message, and then goes on', async () => {
    const { queue } = await open({ partitions: 1, maxUncommitted: 50 })
    const topic = newTopic()
    await queue.declareGroup(topic, 'g')
    for (let chunk = 0; chunk < 10; chunk++) {
      // Batches of ten, because batches are read as a whole.
      await queue.publishAll(
        topic,
        Array.from({ length: 10 }, (_, index) => chunk * 10 + index),
      )
    }
    let release = (): void => {}
    const handled: number[] = []
    await queue.subscribe(topic, async (message) => {
      const data = message.data as number
      if (data === 0) await new Promise<void>((resolve) => (release = resolve))
      handled.push(data)
    })
    await until(() => handled.length >= 49, { what: 'as many as may' })
    for (let count = 100; count < 200; count++) await queue.publish(topic, count)
    await sleep(1_000)
    expect(Math.max(...handled)).toBeLessThan(100)
    release()
    await until(() => handled.length === 200, { what: 'all to be handled' })
  })
})
