import assert from 'node:assert/strict'
import type { ConformanceCase } from '../../kit/case.js'
import { untilDead } from '../../kit/dead-group.js'
import { range } from '../../kit/expect.js'
import { nothingLeft } from '../../kit/group-state.js'
import { consumeRaw, contentOf, failureOf, publishCall, rawMessage } from '../../kit/raw.js'
import { attemptsOf, patience, runsOf } from '../../kit/timing.js'
import { createGate } from '../../kit/wait.js'

/** Tests how often a message runs, and what each run gets. */
export const retryAttempts: readonly ConformanceCase[] = [
  {
    id: 'RET-1',
    title: 'a message whose handler throws any value once runs twice and leaves nothing behind',
    promises: [4, 5],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue()
      const thrown = [new Error('an error'), undefined, null, 'a text', 0, { code: 1 }, Object.create(null)]
      const collector = await kit.collect(queue, kit.topic(), {
        handler: ({ data, attempt }) => {
          if (attempt > 1) return undefined
          const error = thrown[data as number]
          if (Number(data) % 2 === 0) throw error
          return Promise.reject(error)
        },
      })
      for (const index of thrown.keys()) await queue.publish(kit.topic(), index, { id: `m-${index}` })
      await kit.until('each message to be handled', () => collector.handled.length >= thrown.length, patience(kit, 50))
      await kit.quiet(() => collector.runs.length)
      for (const index of thrown.keys()) assert.deepEqual(attemptsOf(collector.runs, `m-${index}`), [1, 2])
      await nothingLeft(kit, queue, kit.topic())
    },
  },
  {
    id: 'RET-2',
    title: 'a message that always fails runs as often as the policy says, numbered from 1, and never after that',
    promises: [5, 6],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue()
      const handler = (): void => {
        throw new Error('always')
      }
      const collector = await kit.collect(queue, kit.topic(), { handler })
      const single = await kit.collect(queue, kit.topic('single'), { handler, retry: false })
      const ids = range(5).map((number) => `m-${number}`)
      for (const id of ids) await queue.publish(kit.topic(), id, { id })
      await queue.publish(kit.topic('single'), 1)
      const dead = await untilDead(kit, queue, { topic: kit.topic(), count: 5, ...patience(kit, 100, 2) })
      await untilDead(kit, queue, { topic: kit.topic('single'), count: 1 })
      await kit.quiet(() => collector.runs.length + single.runs.length)
      for (const id of ids) assert.deepEqual(attemptsOf(collector.runs, id), [1, 2, 3])
      assert.deepEqual(
        dead.map(({ failure }) => failure.attempts),
        [3, 3, 3, 3, 3],
      )
      assert.deepEqual(attemptsOf(single.runs), [1])
    },
  },
  {
    id: 'RET-3',
    title: 'a message is the same on each attempt, to the byte and in every attribute',
    promises: [5, 14],
    level: 'required',
    async run(kit) {
      const adapter = await kit.connected()
      const ref = { topic: kit.topic(), group: 'g' }
      const deliveries = await consumeRaw(adapter, ref, (delivery) =>
        delivery.attempt < 4
          ? { kind: 'retry', delayMs: 20, failure: failureOf(delivery) }
          : { kind: 'dead', failure: failureOf(delivery) },
      )
      const message = rawMessage({
        id: 'the same ✓',
        source: '/another/source?with=query',
        type: 'another.type',
        time: '2024-02-29T23:59:59.123Z',
        contentType: 'application/octet-stream',
        key: 'clé-🔑',
        extensions: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', subject: 'Ünïcode' },
        headers: { Case: 'Kept', case: 'too', empty: '', number: '007' },
        body: Uint8Array.from(range(256)),
      })
      const [outcome] = await adapter.publish(ref.topic, [message], publishCall())
      assert.equal(outcome?.status, 'stored')
      await kit.until('four attempts', () => deliveries.length >= 4, patience(kit, 60, 3))
      await kit.quiet(() => deliveries.length)
      for (const delivery of deliveries) assert.deepEqual(contentOf(delivery.message), contentOf(message))
    },
  },
  {
    id: 'RET-4',
    title: 'each attempt learns how the one before it ended and when the first one failed',
    promises: [5],
    level: 'required',
    async run(kit) {
      const adapter = await kit.connected()
      const ref = { topic: kit.topic(), group: 'g' }
      const long = `${'ünïcode ✓ '.repeat(24)}\n"quoted"`
      const failures = range(3).map((index) => ({
        reason: index === 0 ? ('timeout' as const) : ('error' as const),
        error: { name: `Error${index}`, message: index === 1 ? long : `text ${index}`, code: `E_${index}` },
        attempts: index + 1,
        firstFailedAt: 1_700_000_000_123,
        failedAt: 1_700_000_000_123 + index,
      }))
      const deliveries = await consumeRaw(adapter, ref, ({ attempt }) => {
        const failure = failures[attempt - 1]
        return failure === undefined ? { kind: 'done' } : { kind: 'retry', delayMs: 20, failure }
      })
      await adapter.publish(ref.topic, [rawMessage()], publishCall())
      await kit.until('four attempts', () => deliveries.length >= 4, patience(kit, 60, 3))
      await kit.quiet(() => deliveries.length)
      assert.deepEqual(
        deliveries.map(({ attempt, failure }) => ({ attempt, failure })),
        [undefined, ...failures].map((failure, index) => ({ attempt: index + 1, failure })),
      )
    },
  },
  {
    id: 'RET-5',
    title: 'thirty attempts of a message all run: no broker drops it for circulating',
    promises: [5],
    level: 'required',
    timeoutMs: 120_000,
    async run(kit) {
      const queue = await kit.queue()
      const attempts = 30
      const collector = await kit.collect(queue, kit.topic(), {
        retry: { attempts, delayMs: 10 },
        handler: ({ attempt }) => {
          if (attempt < attempts) throw new Error('not yet')
        },
      })
      for (const id of ['a', 'b', 'c']) await queue.publish(kit.topic(), id, { id })
      await kit.until(
        () => `the last attempt of three messages; there were ${collector.runs.length} runs`,
        () => collector.handled.length >= 3,
        patience(kit, attempts * 100, attempts),
      )
      await kit.quiet(() => collector.runs.length)
      for (const id of ['a', 'b', 'c']) {
        assert.deepEqual(
          attemptsOf(collector.runs, id),
          range(attempts).map((index) => index + 1),
        )
      }
    },
  },
  {
    id: 'RET-6',
    title: 'a handler that exceeds its timeout fails: its signal aborts, its slot is free, and it counts as an attempt',
    promises: [5, 8],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue()
      const collector = await kit.collect(queue, kit.topic(), {
        concurrency: 1,
        timeoutMs: 400,
        retry: { attempts: 2 },
        handler: ({ data }) => (data === 'hang' ? new Promise(() => {}) : undefined),
      })
      await queue.publish(kit.topic(), 'hang', { id: 'hang' })
      for (const id of ['next', 'and the next']) await queue.publish(kit.topic(), id, { id })
      const [dead] = await untilDead(kit, queue, { topic: kit.topic(), count: 1, ...patience(kit, 850) })
      await kit.until('the other messages to be handled', () => collector.handled.length >= 2)
      await kit.quiet(() => collector.runs.length)
      const hung = runsOf(collector.runs, 'hang')
      assert.deepEqual(attemptsOf(hung), [1, 2])
      for (const { signal } of hung) assert.equal((signal.reason as { code?: unknown })?.code, 'MQ_HANDLER_TIMEOUT')
      const { reason, attempts } = dead?.failure ?? {}
      assert.deepEqual({ id: dead?.message.id, reason, attempts }, { id: 'hang', reason: 'timeout', attempts: 2 })
      assert.equal(dead?.failure.error.code, 'MQ_HANDLER_TIMEOUT')
    },
  },
  {
    id: 'RET-20',
    title: 'a message that is given back in the middle of an attempt keeps that attempt and the failure before it',
    promises: [5],
    level: 'required',
    timeoutMs: 90_000,
    async run(kit) {
      const [queue, topic, gate] = [await kit.queue(), kit.topic(), createGate()]
      const retry = { attempts: 3, delayMs: 20 }
      const handler = ({ attempt }: { readonly attempt: number }): unknown => {
        if (attempt === 1) throw new Error('the first failure')
        return gate.opened
      }
      const first = await kit.collect(queue, topic, { retry, handler })
      await queue.publish(topic, 1, { id: 'm' })
      const isInSecond = (): boolean => first.running === 1 && first.runs.length === 2
      await kit.until('its second attempt', isInSecond, patience(kit, 20))
      const stoppedAt = Date.now()
      await first.subscription.stop({ timeoutMs: 0 })
      gate.open()
      const failing = (): never => {
        throw new Error('a later failure')
      }
      const second = await kit.collect(queue, topic, { retry, handler: failing })
      const [dead] = await untilDead(kit, queue, { topic, count: 1, ...patience(kit, 40, 2) })
      const { firstFailedAt = stoppedAt } = dead?.failure ?? {}
      assert.ok(firstFailedAt < stoppedAt, `it failed first ${firstFailedAt - stoppedAt} ms after the stop`)
      if (kit.capabilities.exactAttempts) assert.deepEqual(attemptsOf(second.runs), [2, 3])
    },
  },
]
