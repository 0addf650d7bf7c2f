import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createQueue, createScheduler, defineTask, type Queue, RetryLater, Unrecoverable } from '@mq/core'
import { kafka } from '@mq/kafka'
import { memory, memoryStore } from '@mq/memory'
import { postgres } from '@mq/postgres'
import { rabbitmq } from '@mq/rabbitmq'
import { redis } from '@mq/redis'
import { brokers, shared } from '@mq/test-brokers'
import { context, propagation, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
import { describe, expect, it, onTestFinished } from 'vitest'
import { instrument } from '../src/index.js'
import { otlpReceiver, type ReceivedSpan } from './support/otlp-receiver.js'
import { idOf, recordSpans, traceOf } from './support/spans.js'

/** A server whose requests are spans, as the instrumentation of HTTP makes them. */
async function serve(handle: () => Promise<unknown>) {
  const server = createServer((req, res) => {
    const parent = propagation.extract(ROOT_CONTEXT, req.headers)
    context.with(parent, () =>
      trace.getTracer('the application').startActiveSpan('POST /orders', { kind: SpanKind.SERVER }, async (span) => {
        const answer = await handle()
        res.end(JSON.stringify(answer))
        span.end()
      }),
    )
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const adapters = { redis, rabbitmq, kafka, postgres }
const names = ['memory', 'redis', 'rabbitmq', 'kafka', 'postgres'] as const

async function connected(name: (typeof names)[number], group: string): Promise<Queue> {
  const adapter = name === 'memory' ? memory() : adapters[name]({ url: (await shared(name)).url })
  const queue = createQueue(adapter, { group, logFailures: false })
  instrument(queue)
  await queue.connect()
  onTestFinished(() => queue.disconnect())
  return queue
}

/** Ends a provider that was registered for the whole process after the test. */
const endAfterTest = (provider: NodeTracerProvider): void =>
  onTestFinished(async () => {
    await provider.shutdown()
    trace.disable()
    context.disable()
    propagation.disable()
  })

describe.each(names)('one trace on %s', (name) => {
  const isWanted = name === 'memory' || brokers.wanted(name)

  it.skipIf(!isWanted)(
    'leads from an HTTP request through publish, handler, task, a retry and its reply to what these publish',
    { timeout: 120_000 },
    async () => {
      const receiver = await otlpReceiver()
      const exporter = new OTLPTraceExporter({ url: receiver.url })
      const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
      provider.register()
      endAfterTest(provider)
      const run = randomUUID().slice(0, 8)
      const topics = { paid: `paid-${run}`, task: `mail-${run}`, sent: `sent-${run}` }
      // The service and the worker know each other by the broker alone, except in memory.
      const service = await connected(name, `group-${run}`)
      const worker = name === 'memory' ? service : await connected(name, `group-${run}`)

      const mail = defineTask({
        name: topics.task,
        retry: { attempts: 3, backoff: 'fixed', delayMs: 100, jitter: 'none' },
        execute: async (input: number, { attempt, queue }) => {
          if (attempt === 1) throw new Error('the first attempt fails')
          await queue.publish(topics.sent, input)
          return input * 2
        },
      })
      const workers = createScheduler(worker)
      await workers.register(mail)
      await workers.start()
      const asker = createScheduler(worker, { store: memoryStore() })
      await worker.subscribe(topics.paid, async ({ data }) => {
        const handle = await asker.enqueue(mail, data as number, { reply: true })
        answered(await handle.result({ timeoutMs: 60_000 }))
      })
      let answered: (result: number) => void = () => {}
      const answer = new Promise<number>((resolve) => {
        answered = resolve
      })
      const archived = archive(worker, topics.sent)
      await archived.ready
      const server = await serve(async () => {
        await service.publish(topics.paid, 21)
        return await answer
      })

      const response = await fetch(server, { method: 'POST' })
      expect(await response.json()).toBe(42)
      await archived.done
      const wanted = [
        'POST /orders',
        `send ${topics.paid}`,
        `process ${topics.paid}`,
        `send task.${topics.task}`,
        `process task.${topics.task}`,
        `process task.${topics.task}`,
        `send ${topics.sent}`,
        'send task-replies',
        `process ${topics.sent}`,
      ].sort()
      const own = (): readonly ReceivedSpan[] => receiver.spans().filter((span) => wanted.includes(span.name))
      await expect
        .poll(
          () =>
            own()
              .map((span) => span.name)
              .sort(),
          { timeout: 30_000 },
        )
        .toEqual(wanted)
      expect(new Set(own().map(({ traceId }) => traceId)).size).toBe(1)

      const chainTo = (span: ReceivedSpan | undefined): readonly string[] =>
        span === undefined ? [] : [...chainTo(own().find(({ spanId }) => spanId === span.parentSpanId)), span.name]
      expect(chainTo(own().find((span) => span.name === `process ${topics.sent}`))).toEqual([
        'POST /orders',
        `send ${topics.paid}`,
        `process ${topics.paid}`,
        `send task.${topics.task}`,
        `process task.${topics.task}`,
        `send ${topics.sent}`,
        `process ${topics.sent}`,
      ])
      const attempts = own().filter((span) => span.name === `process task.${topics.task}`)
      const numberOf = (span: ReceivedSpan) => attributeOf(span, 'mq.message.attempt')
      const [first, second] = attempts.toSorted((a, b) => Number(numberOf(a)) - Number(numberOf(b)))
      expect([first, second].map((span) => span && attributeOf(span, 'mq.message.settlement'))).toEqual([
        'retry',
        'done',
      ])
      // The broker has kept the place of the first run with its failure.
      expect(second?.links.map(({ spanId }) => spanId)).toEqual([first?.spanId])
      expect(new Set(own().flatMap((span) => attributeOf(span, 'messaging.system') ?? []))).toEqual(new Set([name]))
    },
  )
})

describe.each(names)('a replay on %s', (name) => {
  const isWanted = name === 'memory' || brokers.wanted(name)

  it.skipIf(!isWanted)(
    'links the first run to the one that failed last, and begins anew',
    { timeout: 60_000 },
    async () => {
      const { provider, all } = recordSpans()
      endAfterTest(provider)
      const run = randomUUID().slice(0, 8)
      const [topic, group] = [`refund-${run}`, `group-${run}`]
      const queue = await connected(name, group)
      let runs = 0
      await queue.subscribe(
        topic,
        () => {
          runs += 1
          if (runs === 2) throw new RetryLater({ afterMs: 1 })
          if (runs < 4) throw new Unrecoverable('no such order')
        },
        { retry: { attempts: 3 } },
      )
      const letters = queue.deadLetters(topic)
      const deadAfter = async (last: number) => {
        await expect.poll(() => runs, { timeout: 20_000 }).toBe(last)
        await expect.poll(async () => (await letters.list()).length, { timeout: 20_000 }).toBe(1)
        return (await letters.list())[0]
      }
      await queue.publish(topic, 1)
      const first = await deadAfter(1)
      await letters.replay()
      const second = await deadAfter(3)
      await letters.replay()
      await expect.poll(() => all(`process ${topic}`).length, { timeout: 20_000 }).toBe(4)

      const spans = all(`process ${topic}`)
      expect(spans.map((span) => span.links.map(({ context, attributes }) => [context.spanId, attributes]))).toEqual([
        [],
        [[spans[0] && idOf(spans[0]), { 'mq.link': 'before the replay' }]],
        [[spans[1] && idOf(spans[1]), { 'mq.link': 'previous attempt' }]],
        [[spans[2] && idOf(spans[2]), { 'mq.link': 'before the replay' }]],
      ])
      expect(spans.map(({ attributes }) => attributes['mq.message.attempt'])).toEqual([1, 1, 2, 1])
      expect(new Set(spans.map(traceOf)).size).toBe(1)
      expect(second?.failure).toMatchObject({ attempts: 2 })
      expect(second?.failure.firstFailedAt).toBeGreaterThan(first?.failure.failedAt ?? Number.POSITIVE_INFINITY)
    },
  )
})

/** Handles what the task publishes. */
function archive(queue: Queue, topic: string) {
  let resolve: () => void = () => {}
  const done = new Promise<void>((end) => {
    resolve = end
  })
  return { ready: queue.subscribe(topic, () => resolve()), done }
}

function attributeOf({ attributes }: ReceivedSpan, key: string): string | undefined {
  const value = attributes.find((attribute) => attribute.key === key)?.value
  const text = value?.stringValue ?? value?.intValue
  return text === undefined ? undefined : String(text)
}
