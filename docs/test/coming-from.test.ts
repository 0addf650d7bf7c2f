import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createScheduler, defineForeignTopic, defineTask, openQueue, type Queue } from '@mq/core'
import { brokers, shared } from '@mq/test-brokers'
import { connect } from 'amqplib'
import { Queue as BullQueue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { Kafka, logLevel } from 'kafkajs'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { root } from './examples.js'
import { build, start, stop } from './program.js'
import { filesOf, shownOn, withShownFiles } from './shown-files.js'

const example = 'coming-from'
const runMs = 60_000
const pages = ['bullmq', 'celery', 'drivers'].map((name) => join(root, 'docs', `from-${name}.md`))

beforeAll(() => build(example))

it('the programs stand on the pages as they lie in their files, each of them whole', async () => {
  const shown = pages.flatMap((page) => shownOn(readFileSync(page, 'utf8')))
  const folder = join(root, 'docs', 'examples', example)
  const sources = filesOf(join(folder, 'src'))
  expect([...new Set(shown)].sort()).toEqual(sources)
  for (const page of pages) await expect(withShownFiles(readFileSync(page, 'utf8'))).toMatchFileSnapshot(page)
})

/** A database of its own on the shared server, which is emptied at both ends of a test. */
async function database(number: number): Promise<{ readonly url: string; readonly client: Redis }> {
  const { url } = await shared('redis')
  const client = new Redis(new URL(`/${number}`, url).href)
  await client.flushdb()
  onTestFinished(async () => {
    await client.flushdb()
    client.disconnect()
  })
  return { url: new URL(`/${number}`, url).href, client }
}

async function opened(url: string): Promise<Queue> {
  const queue = await openQueue(url)
  onTestFinished(() => queue.disconnect({ timeoutMs: 1_000 }))
  return queue
}

/** Runs what waits of the moved task, and returns the ids and inputs. */
async function runAll(queue: Queue, count: number): Promise<ReadonlyMap<string, unknown>> {
  const seen = new Map<string, unknown>()
  const scheduler = createScheduler(queue)
  onTestFinished(() => scheduler.stop({ timeoutMs: 1_000 }))
  let runs = 0
  const task = defineTask({
    name: 'send-welcome',
    execute: (input: unknown, { id }) => {
      runs += 1
      seen.set(id, input)
    },
  })
  await scheduler.register(task, { concurrency: 100 })
  await scheduler.start()
  await expect.poll(() => seen.size, { timeout: 20_000 }).toBe(count)
  expect(runs).toBe(count)
  return seen
}

/** Lists the moved tasks that wait, without running them: there are thousands. */
async function allReady(queue: Queue): Promise<readonly { readonly id: string; readonly data: unknown }[]> {
  const found: { readonly id: string; readonly data: unknown }[] = []
  let after: string | undefined
  do {
    const page = await queue.waiting('task.send-welcome', 'workers').list({ state: 'ready', limit: 1_000, after })
    found.push(...page.items.map(({ message, data }) => ({ id: message.id, data })))
    after = page.next
  } while (after !== undefined)
  return found
}

const counts = async (queue: Queue) => {
  const { ready, delayed } = await queue.stats('task.send-welcome', 'workers')
  return { ready, delayed }
}

describe.skipIf(!brokers.wanted('redis'))('from Redis', () => {
  beforeAll(async () => void (await shared('redis')))

  it(
    'jobs of BullMQ are moved, delayed ones for the rest of their time, also if the program is killed on the way',
    async () => {
      const { url } = await database(11)
      const old = new BullQueue('mail', { connection: { url } })
      onTestFinished(() => old.close())
      const data = (n: number) => ({ name: 'send', data: { to: `user-${n}@example.com`, text: `${n}` } })
      const from = (first: number, count: number, opts = {}) =>
        Array.from({ length: count }, (_, index) => ({ ...data(first + index), opts }))
      // One has failed, and waits for its next attempt.
      await old.add('send', data(3_300).data, { attempts: 2, backoff: 3_600_000 })
      const failing = new Worker('mail', () => Promise.reject(new Error('451')), { connection: { url } })
      await expect.poll(async () => (await old.getJobCounts('delayed')).delayed, { timeout: 20_000 }).toBe(1)
      await failing.close()
      await old.addBulk([
        ...from(0, 3_000),
        ...from(3_000, 200, { priority: 3 }),
        ...from(3_200, 100, { delay: 3_600_000 }),
      ])
      await old.upsertJobScheduler('nightly', { pattern: '0 3 * * *' }, { name: 'report' })

      const first = start(example, { OLD_URL: url, MQ_URL: url }, 'bullmq')
      const queue = await opened(url)
      await queue.declareGroup('task.send-welcome', 'workers')
      await expect.poll(async () => (await counts(queue)).ready, { timeout: 20_000 }).toBeGreaterThan(200)
      first.kill('SIGKILL')
      await first.ended
      expect((await old.getJobCounts('wait', 'active', 'prioritized')).wait).toBeGreaterThan(0)

      const second = start(example, { OLD_URL: url, MQ_URL: url }, 'bullmq')
      const { code } = await second.ended
      expect(code, second.output()).toBe(0)
      expect(await counts(queue)).toEqual({ ready: 3_201, delayed: 100 })
      const { failed, ...left } = await old.getJobCounts('wait', 'active', 'delayed', 'prioritized', 'failed')
      expect({ failed, ...left }).toEqual({ failed: 0, wait: 0, active: 0, delayed: 0, prioritized: 0 })
      const waiting = await allReady(queue)
      expect(new Set(waiting.map(({ id }) => id)).size).toBe(3_201)
      expect(waiting.map(({ data }) => data)).toContainEqual({ to: 'user-3300@example.com', text: '3300' })
    },
    2 * runMs,
  )

  it(
    'tasks of Celery are moved from its list, those with an ETA too, and unknown ones are left',
    async () => {
      const { url, client } = await database(12)
      for (let n = 0; n < 300; n += 1) await client.lpush('celery', celeryEntry({ n }))
      const eta = new Date(Date.now() + 3_600_000).toISOString()
      for (let n = 300; n < 350; n += 1) await client.lpush('celery', celeryEntry({ n, eta }))
      await client.lpush('celery', celeryEntry({ n: 350, task: 'shop.unknown' }))
      // A program that was killed has taken one.
      await client.lmove('celery', 'celery:moving', 'RIGHT', 'LEFT')

      const program = start(example, { OLD_URL: url, MQ_URL: url }, 'celery-redis')
      const { stdout, code } = await program.ended
      expect({ stdout, code }, program.output()).toEqual({ stdout: 'moved 350 tasks, left 1\n', code: 0 })
      expect(await Promise.all(['celery', 'celery:moving', 'celery:left'].map((key) => client.llen(key)))).toEqual([
        0, 0, 1,
      ])
      const queue = await opened(url)
      expect(await counts(queue)).toEqual({ ready: 300, delayed: 50 })
      expect((await runAll(queue, 300)).get('task-7')).toEqual({ to: 'user-7@example.com', text: 'hi' })
    },
    runMs,
  )

  it(
    'entries of a list are moved',
    async () => {
      const { url, client } = await database(13)
      const mails = Array.from({ length: 100 }, (_, n) => ({ id: `m-${n}`, to: `user-${n}@example.com`, text: '' }))
      await client.lpush('mails', ...mails.map((mail) => JSON.stringify(mail)))
      const program = start(example, { OLD_URL: url, MQ_URL: url }, 'redis-list')
      const { stdout, code } = await program.ended
      expect({ stdout, code }, program.output()).toEqual({ stdout: 'moved 100 mails\n', code: 0 })
      expect(await client.llen('mails')).toBe(0)
      expect([...(await runAll(await opened(url), 100)).keys()].sort()).toEqual(mails.map(({ id }) => id).sort())
    },
    runMs,
  )

  it(
    'a stream is read on from where the old group ended',
    async () => {
      const { url, client } = await database(14)
      await client.xgroup('CREATE', 'shop_orders', 'shipping', '0', 'MKSTREAM')
      for (let n = 0; n < 100; n += 1) await client.xadd('shop_orders', '*', 'order', `${n}`)
      const [[, entries]] = (await client.xreadgroup(
        'GROUP',
        'shipping',
        'one',
        'COUNT',
        40,
        'STREAMS',
        'shop_orders',
        '>',
      )) as [[string, [string, string[]][]]]
      await client.xack('shop_orders', 'shipping', ...entries.map(([id]) => id))

      const program = start(example, { OLD_URL: url }, 'redis-stream')
      const shipped = () => [...program.output().matchAll(/^shipping (\d+)$/gm)].map(([, order]) => Number(order))
      await expect.poll(() => shipped().length, { timeout: 20_000 }).toBeGreaterThanOrEqual(60)
      await stop(program)
      expect(shipped().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, n) => n + 40))
    },
    runMs,
  )
})

interface CeleryCall {
  readonly n: number
  readonly eta?: string
  readonly task?: string
}

const bodyOf = (n: number): Buffer =>
  Buffer.from(
    JSON.stringify([
      [`user-${n}@example.com`],
      { text: 'hi' },
      { callbacks: null, errbacks: null, chain: null, chord: null },
    ]),
  )

const headersOf = ({ n, eta, task = 'shop.send_email' }: CeleryCall) => ({
  lang: 'py',
  task,
  id: `task-${n}`,
  shadow: null,
  eta: eta ?? null,
  expires: null,
  group: null,
  retries: 0,
  timelimit: [null, null],
  root_id: `task-${n}`,
  argsrepr: `('user-${n}@example.com',)`,
  kwargsrepr: "{'text': 'hi'}",
  ignore_result: false,
  stamps: {},
})

/** An entry as kombu writes it, which `docs/interop` reads from Celery itself. */
const celeryEntry = (call: CeleryCall): string =>
  JSON.stringify({
    body: bodyOf(call.n).toString('base64'),
    'content-encoding': 'utf-8',
    'content-type': 'application/json',
    headers: headersOf(call),
    properties: { body_encoding: 'base64', delivery_info: { exchange: '', routing_key: 'celery' }, priority: 0 },
  })

describe.skipIf(!brokers.wanted('rabbitmq'))('from RabbitMQ', () => {
  beforeAll(async () => void (await shared('rabbitmq')))

  async function channelTo(url: string) {
    const connection = await connect(url)
    onTestFinished(() => connection.close())
    return connection.createConfirmChannel()
  }

  it(
    'tasks of Celery are moved from its queue, and an unknown one is a dead letter',
    async () => {
      const { url } = await shared('rabbitmq')
      const channel = await channelTo(url)
      await channel.assertQueue('celery', { durable: true })
      const etaMs = Date.now() + 8_000
      const eta = new Date(etaMs).toISOString()
      const calls: readonly CeleryCall[] = [
        ...Array.from({ length: 300 }, (_, n) => ({ n })),
        ...Array.from({ length: 50 }, (_, n) => ({ n: 300 + n, eta })),
        { n: 350, task: 'shop.unknown' },
      ]
      for (const call of calls) {
        const properties = { contentType: 'application/json', contentEncoding: 'utf-8', persistent: true }
        channel.sendToQueue('celery', bodyOf(call.n), { ...properties, headers: headersOf(call) })
      }
      await channel.waitForConfirms()
      const queue = await opened(url)
      const old = defineForeignTopic('celery-old', { at: 'celery' })
      onTestFinished(async () => {
        await queue.deleteGroup(old, 'move')
        await queue.deleteGroup('task.send-welcome', 'workers')
        await channel.deleteQueue('celery')
      })

      const program = start(example, { OLD_URL: url, MQ_URL: url }, 'celery-rabbitmq')
      await program.printed(/^moving$/m)
      const seen = await runAll(queue, 350)
      expect(Date.now()).toBeGreaterThan(etaMs)
      expect(seen.get('task-7')).toEqual({ to: 'user-7@example.com', text: 'hi' })
      await expect.poll(async () => (await channel.checkQueue('celery')).messageCount, { timeout: 20_000 }).toBe(0)
      await expect.poll(async () => (await queue.stats(old, 'move')).dead, { timeout: 20_000 }).toBe(1)
      await stop(program)
      const [unknown] = await queue.deadLetters(old, 'move').list()
      expect(unknown?.failure.error?.message).toBe('no such task: shop.unknown')
    },
    runMs,
  )

  it(
    'a queue is consumed as it is, beside the new topic',
    async () => {
      const { url } = await shared('rabbitmq')
      const channel = await channelTo(url)
      await channel.assertQueue('shop_orders', { durable: true, arguments: { 'x-queue-type': 'quorum' } })
      for (let n = 0; n < 50; n += 1)
        channel.sendToQueue('shop_orders', Buffer.from(JSON.stringify({ order: `${n}` })), {})
      await channel.waitForConfirms()
      const queue = await opened(url)
      const old = defineForeignTopic('orders-old', { at: 'shop_orders' })
      onTestFinished(async () => {
        await queue.deleteGroup(old, 'shipping')
        await queue.deleteGroup('order.paid', 'shipping')
        await channel.deleteQueue('shop_orders')
      })
      const program = start(example, { OLD_URL: url }, 'amqplib')
      await program.printed(/^ready$/m)
      await queue.publishAll(
        'order.paid',
        Array.from({ length: 50 }, (_, n) => ({ order: `${50 + n}` })),
      )
      const shipped = () => [...program.output().matchAll(/^shipping (\d+)$/gm)].map(([, order]) => Number(order))
      await expect.poll(() => shipped().length, { timeout: 20_000 }).toBeGreaterThanOrEqual(100)
      await stop(program)
      expect(shipped().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, n) => n))
    },
    runMs,
  )
})

describe.skipIf(!brokers.wanted('kafka'))('from Kafka', () => {
  beforeAll(async () => void (await shared('kafka')))

  it(
    'a topic is read on without losing a message, if the group is declared before the old consumers stop',
    async () => {
      const { url } = await shared('kafka')
      const client = new Kafka({ brokers: [new URL(url).host], logLevel: logLevel.NOTHING })
      const [admin, producer] = [client.admin(), client.producer()]
      await Promise.all([admin.connect(), producer.connect()])
      const topic = 'shop_orders'
      await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] })
      const queue = await opened(url)
      onTestFinished(async () => {
        await queue.deleteGroup(defineForeignTopic('orders', { at: topic }), 'shipping')
        await admin.deleteTopics({ topics: [topic] })
        await Promise.all([admin.disconnect(), producer.disconnect()])
      })
      const send = async (from: number, to: number): Promise<void> => {
        const messages = Array.from({ length: to - from }, (_, n) => ({
          value: JSON.stringify({ order: `${from + n}` }),
        }))
        await producer.send({ topic, messages })
      }
      const handled: number[] = []
      const consumer = client.consumer({ groupId: randomUUID() })
      await consumer.connect()
      await consumer.subscribe({ topic, fromBeginning: true })
      await consumer.run({
        eachMessage: async ({ message }) => void handled.push(Number(JSON.parse(String(message.value)).order)),
      })
      await send(0, 50)
      await expect.poll(() => handled.length, { timeout: 30_000 }).toBe(50)

      const declaring = start(example, { OLD_URL: url, STEP: 'declare' }, 'kafkajs')
      expect((await declaring.ended).code, declaring.output()).toBe(0)
      await send(50, 60)
      await expect.poll(() => handled.length, { timeout: 30_000 }).toBe(60)
      await consumer.disconnect()
      await send(60, 100)

      const program = start(example, { OLD_URL: url }, 'kafkajs')
      const shipped = () => [...program.output().matchAll(/^shipping (\d+)$/gm)].map(([, order]) => Number(order))
      await expect.poll(() => shipped().length, { timeout: 30_000 }).toBeGreaterThanOrEqual(50)
      await stop(program)
      // What the old consumers handled after the declaration is handled again.
      expect(shipped().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, n) => 50 + n))
    },
    2 * runMs,
  )
})
