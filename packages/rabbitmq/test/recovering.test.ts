import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Queue } from '@mq/core'
import { brokers, proxy, type RabbitServer, rabbitmq as startRabbit } from '@mq/test-brokers'
import { type ChannelModel, connect } from 'amqplib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Link } from '../src/connection/link.js'
import { createConsumer } from '../src/consume/consumer.js'
import { openGate } from '../src/consume/pause-gate.js'
import { rabbitmq } from '../src/index.js'
import { settingsOf } from '../src/options.js'
import { createDeclarations } from '../src/topology/declarations.js'
import { createLocks } from '../src/topology/locks.js'
import { namespaceFor } from '../src/topology/names.js'
import { cutter } from './support/cutter.js'
import { eventually, freshTopic, open, pause } from './support/open.js'
import { onRaw } from './support/raw.js'

const names = namespaceFor('mq')

const fail = (): never => {
  throw new Error('no')
}

/** Returns an expression that lets the leader of a quorum queue stand still for some time. */
const standstill = (queue: string, ms: number): string => `
  {ok, Queue} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"/">>, queue, <<"${queue}">>)),
  {Name, _} = amqqueue:get_pid(Queue),
  Leader = whereis(Name),
  Testing = self(),
  spawn(fun() -> sys:suspend(Leader), Testing ! stands, timer:sleep(${ms}), sys:resume(Leader) end),
  receive stands -> ok end.`

describe.skipIf(!brokers.owned('rabbitmq'))('recovering', () => {
  let server: RabbitServer

  beforeAll(async () => {
    server = await startRabbit()
  })
  afterAll(async () => {
    await server?.stop()
  })

  it('a queue deleted under a running consumer is reported as data loss, and is there again with its consumer', async () => {
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    const lost: unknown[] = []
    const got: unknown[] = []
    let reason: unknown
    queue.on('data-loss', (event) => lost.push(event))
    await queue.subscribe(topic, async ({ data }, { signal }) => {
      got.push(data)
      if (data !== 'stuck') return
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      reason = signal.reason
    })
    await queue.publish(topic, 'stuck')
    await eventually(() => got.length === 1, 'the first message')
    await onRaw(server.url, (channel) => channel.deleteQueue(names.group({ topic, group: 'workers' })))
    await eventually(() => lost.length > 0, 'the loss to be reported')
    await eventually(async () => (await queue.publish(topic, 'after')).routed === 'yes', 'the group to be there again')
    await eventually(() => got.includes('after'), 'the message after')
    expect(lost).toMatchObject([{ topic, group: 'workers' }])
    expect(reason).toMatchObject({ code: 'MQ_OWNERSHIP_LOST' })
    expect(queue.health()).toMatchObject({ status: 'up', consumers: [{ status: 'consuming' }] })
  })

  it('a queue that was deleted while the connection was gone is reported as data loss too', async () => {
    const link = await proxy(server)
    const queue = await open({ url: link.url })
    const topic = freshTopic()
    const lost: unknown[] = []
    queue.on('data-loss', (event) => lost.push(event))
    await queue.subscribe(topic, () => {})
    await link.refuse()
    await link.cut()
    await onRaw(server.url, (channel) => channel.deleteQueue(names.group({ topic, group: 'workers' })))
    await link.heal()
    await eventually(() => lost.length === 1, 'the loss to be reported')
    await eventually(() => queue.health().status === 'up', 'the consumer to be back')
    expect(lost).toMatchObject([{ topic, group: 'workers' }])
    await link.close()
  })

  it('after the broker took a message back the consumer goes on, and only its own messages come again', async () => {
    // From 4.3 on the broker cancels the consumer, and the message is the same attempt once more.
    const cancels = !/^(3|4\.[0-2])\./.test(server.version ?? '')
    // After this time the broker closes the channel of a message that is not acknowledged. It checks at this interval.
    await server.rabbitmqctl('eval', 'application:set_env(rabbit, consumer_timeout, 1000).')
    await server.rabbitmqctl('eval', 'application:set_env(rabbit, channel_tick_interval, 500).')
    try {
      const queue = await open({ url: server.url })
      const [slow, other] = [freshTopic(), freshTopic()]
      const runs: number[] = []
      const errors: string[] = []
      const otherGot: unknown[] = []
      queue.on('error', ({ error }) => errors.push(error.message))
      await queue.subscribe(other, ({ data }) => void otherGot.push(data))
      await queue.subscribe(slow, async ({ attempt }, { signal }) => {
        runs.push(attempt)
        if (runs.length === 1) await new Promise((resolve) => signal.addEventListener('abort', resolve))
      })
      await queue.publish(slow, 1)
      await eventually(() => runs.length === 2, 'the second run', 20_000)
      expect(runs).toEqual([1, cancels ? 1 : 2])
      expect(errors.join()).toMatch(cancels ? /^$/ : /timed out/)
      await queue.publish(other, 1)
      await eventually(() => otherGot.length === 1, 'the other consumer')
      expect(queue.health().status).toBe('up')
    } finally {
      await server.rabbitmqctl('eval', 'application:set_env(rabbit, consumer_timeout, 1800000).')
      await server.rabbitmqctl('eval', 'application:set_env(rabbit, channel_tick_interval, 60000).')
    }
  })

  it('connections that were lost are not kept', async () => {
    const link = await proxy(server)
    const connections: WeakRef<ChannelModel>[] = []
    const queue = await open({
      url: link.url,
      async createClient(url, socketOptions) {
        const connection = await connect(url, socketOptions)
        connections.push(new WeakRef(connection))
        return connection
      },
    })
    await queue.subscribe(freshTopic(), () => {})
    await queue.subscribe(freshTopic(), () => {}, { ordered: true })
    const cuts = 6
    for (let times = 1; times <= cuts; times++) {
      await link.cut()
      await eventually(() => connections.length === 2 + 2 * times, 'new connections')
      await eventually(() => queue.health().status === 'up', 'the consumers to be back')
    }
    const alive = (): number => connections.filter((connection) => connection.deref() !== undefined).length
    setFlagsFromString('--expose-gc')
    const collect: () => void = runInNewContext('gc')
    // Two are open. The latest error of the adapter and of each consumer keeps the place where it was thrown.
    await eventually(
      () => {
        collect()
        return alive() <= 5
      },
      'the others to be collected',
      10_000,
    )
    await link.close()
  })

  it('ordered messages that wait long for their key are taken anew before the broker takes them away', async () => {
    await server.rabbitmqctl('eval', 'application:set_env(rabbit, consumer_timeout, 6000).')
    await server.rabbitmqctl('eval', 'application:set_env(rabbit, channel_tick_interval, 500).')
    try {
      const queue = await open({ url: server.url })
      const ref = { topic: freshTopic(), group: 'workers' }
      const settings = settingsOf({ url: server.url })
      const declarations = createDeclarations({ names, queueArguments: {} })
      const errors: string[] = []
      const aborted: unknown[] = []
      const connection = await connect(server.url)
      const moving = await connection.createConfirmChannel()
      const link = new Link(settings, 'consume', {
        onUp: () => undefined,
        onDown: (error) => errors.push(error.message),
        onRetryFailed: () => undefined,
        onBlocked: () => undefined,
      })
      const got: string[] = []
      const consumer = createConsumer({
        ref,
        options: { concurrency: 4, ordered: true, ephemeral: false },
        async handle({ message, signal }) {
          got.push(message.id)
          await pause(900)
          if (signal.aborted) aborted.push(signal.reason)
          return { kind: 'done' }
        },
        link,
        vhost: settings.vhost,
        names,
        declarations,
        gate: openGate,
        copy: ({ to = '', content, properties }) => {
          const stored = new Promise<'stored'>((resolve) => {
            moving.sendToQueue(to, content, properties, () => resolve('stored'))
          })
          return { result: stored, abandon: () => undefined }
        },
        locks: createLocks(),
        report: (event) => event.type === 'error' && errors.push(event.error.message),
        consumerTimeoutMs: 6_000,
      })
      await consumer.ready
      const ids = Array.from({ length: 12 }, (_, number) => `${number}`)
      for (const id of ids) await queue.publish(ref.topic, 1, { id, key: 'hot' })
      await eventually(() => new Set(got).size === 12, 'all of them', 25_000)
      await pause(1_000)
      expect(got).toEqual(ids)
      expect(errors).toEqual([])
      expect(aborted).toEqual([])
      await consumer.stop({ timeoutMs: 1_000 })
      await link.close(500)
      await connection.close()
      expect((await queue.stats(ref.topic)).ready).toBe(0)
    } finally {
      await server.rabbitmqctl('eval', 'application:set_env(rabbit, consumer_timeout, 1800000).')
      await server.rabbitmqctl('eval', 'application:set_env(rabbit, channel_tick_interval, 60000).')
    }
  }, 90_000)

  it('a settlement that comes after its connection was lost acknowledges nothing on the next one', async () => {
    const link = await proxy(server)
    const queue = await open({ url: link.url })
    const topic = freshTopic()
    const runs: { id: string; attempt: number; end: () => void }[] = []
    await queue.subscribe(
      topic,
      ({ id, attempt }) => new Promise<void>((resolve) => runs.push({ id, attempt, end: resolve })),
      { concurrency: 3 },
    )
    for (const id of ['a', 'b', 'c']) await queue.publish(topic, id, { id })
    await eventually(() => runs.length === 3, 'three handlers')
    await link.cut()
    await eventually(() => runs.length === 6, 'the same three on the next connection')
    // The first three now end, and their delivery tags are those of the new deliveries.
    for (const run of runs.slice(0, 3)) run.end()
    await pause(300)
    expect(queue.health().consumers[0]?.status).toBe('consuming')
    await link.cut()
    await eventually(() => runs.length === 9, 'all three once more, as none was acknowledged')
    expect(runs.slice(6).map(({ attempt }) => attempt)).toEqual([3, 3, 3])
    for (const run of runs.slice(6)) run.end()
    await link.close()
  })

  it('messages whose acknowledgements are lost with the connection do not run again in this process', async () => {
    const link = await proxy(server)
    const queue = await open({ url: link.url })
    const neighbour = await open({ url: link.url })
    const topic = freshTopic()
    const runs: unknown[] = []
    const handle = ({ data }: { readonly data: unknown }): void => void runs.push(data)
    const consumer = (one: Queue) => one.subscribe(topic, handle, { concurrency: 30, retry: { attempts: 5 } })
    await consumer(queue)
    await consumer(neighbour)
    const publisher = await open({ url: server.url })
    await publisher.publishAll(topic, ['before'])
    await eventually(() => runs.length === 1, 'the first message')
    for (let times = 1; times <= 3; times++) {
      await link.freeze('in')
      const sent = Array.from({ length: 10 }, (_, number) => `${times}.${number}`)
      await publisher.publishAll(topic, sent)
      await eventually(() => sent.every((data) => runs.includes(data)), 'all handlers to end')
      await link.cut()
      await link.heal()
      await eventually(
        () => [queue, neighbour].every((one) => one.health().status === 'up'),
        'the consumers to be back',
      )
      await publisher.publish(topic, `${times}.last`)
      await eventually(() => runs.includes(`${times}.last`), 'the message behind those that came again')
    }
    expect(runs.filter((data, index) => runs.indexOf(data) !== index)).toEqual([])
    expect(await publisher.stats(topic)).toMatchObject({ ready: 0, dead: 0 })
    await link.close()
  })

  it('a delivery limit that a policy sets makes no dead letter of a message that may run more often', async () => {
    await server.rabbitmqctl('set_policy', 'limited', '^mq--group', '{"delivery-limit":3}', '--apply-to', 'queues')
    try {
      const link = await proxy(server)
      const queue = await open({ url: link.url })
      const watcher = await open({ url: server.url })
      const topic = freshTopic()
      const attempts: number[] = []
      await queue.subscribe(
        topic,
        ({ attempt }) => {
          attempts.push(attempt)
          return new Promise<void>((resolve) => attempt > 6 && resolve())
        },
        { retry: { attempts: 20 } },
      )
      await watcher.publish(topic, 1)
      for (let times = 1; times <= 6; times++) {
        await eventually(() => attempts.length === times, `run ${times}`)
        await link.cut()
      }
      await eventually(() => attempts.length === 7, 'the last run')
      expect(attempts).toEqual([1, 2, 3, 4, 5, 6, 7])
      expect((await watcher.stats(topic)).dead).toBe(0)
      await link.close()
    } finally {
      await server.rabbitmqctl('clear_policy', 'limited')
    }
  })

  it('dead letters are listed and counted even if their queue is slow to say how many it has', async () => {
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    const subscription = await queue.subscribe(topic, fail, { retry: { attempts: 1 }, concurrency: 1 })
    for (const data of [0, 1, 2]) await queue.publish(topic, data)
    await eventually(async () => (await queue.stats(topic)).dead === 3, 'the dead letters')
    await subscription.stop()
    // The broker waits 250 ms for a quorum queue, and then calls it empty.
    await server.rabbitmqctl('eval', standstill(names.dead({ topic, group: 'workers' }), 3_000))
    expect(await queue.stats(topic)).toMatchObject({ dead: 3 })
    await server.rabbitmqctl('eval', standstill(names.dead({ topic, group: 'workers' }), 3_000))
    expect((await queue.deadLetters(topic).list()).map(({ data }) => data)).toEqual([0, 1, 2])
  })

  it('a delivery limit that a policy sets drops no dead letter, however often they are listed', async () => {
    await server.rabbitmqctl('set_policy', 'limited', '^mq--dead', '{"delivery-limit":3}', '--apply-to', 'queues')
    try {
      const queue = await open({ url: server.url })
      const topic = freshTopic()
      const errors: unknown[] = []
      queue.on('error', ({ error }) => errors.push(error.message))
      const subscription = await queue.subscribe(topic, fail, { retry: { attempts: 1 }, concurrency: 1 })
      for (const data of [0, 1, 2]) await queue.publish(topic, data)
      await eventually(async () => (await queue.stats(topic)).dead === 3, 'the dead letters')
      await subscription.stop()
      const letters = queue.deadLetters(topic)
      const first = await letters.list()
      expect(first.map(({ data }) => data)).toEqual([0, 1, 2])
      for (let times = 0; times < 30; times++) {
        if (times % 3 === 0) expect(await letters.purge(['unknown'])).toEqual({ purged: 0 })
        expect(await letters.list()).toEqual(first)
      }
      expect(await letters.replay()).toEqual({ replayed: 3 })
      expect(await queue.stats(topic)).toMatchObject({ ready: 3, dead: 0 })
      expect(errors).toEqual([])
    } finally {
      await server.rabbitmqctl('clear_policy', 'limited')
    }
  })

  it('a dead letter that the broker made keeps its id and its reason when it is renewed', async () => {
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    await queue.declareGroup(topic, 'workers')
    await queue.publish(topic, { order: 7 }, { headers: { tenant: 'x' } })
    await onRaw(server.url, async (channel) => {
      const message = await channel.get(names.group({ topic, group: 'workers' }))
      if (message !== false) channel.reject(message, false)
    })
    await eventually(async () => (await queue.stats(topic)).dead === 1, 'the dead letter')
    const letters = queue.deadLetters(topic)
    const first = await letters.list()
    expect(first).toMatchObject([{ data: { order: 7 }, failure: { reason: 'broker', error: { code: 'rejected' } } }])
    for (let times = 0; times < 10; times++) expect(await letters.list()).toEqual(first)
    expect(await letters.replay([first[0]?.entryId ?? ''])).toEqual({ replayed: 1 })
  })

  it('a handler that holds up the event loop is named as the reason when its message dies as crashed', async () => {
    const queue = await open({ url: server.url, heartbeatMs: 1_000 })
    const topic = freshTopic()
    let runs = 0
    await queue.subscribe(
      topic,
      async (_, { signal }) => {
        runs += 1
        await pause(0)
        const endsAt = performance.now() + 4_000
        while (performance.now() < endsAt);
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
      },
      { retry: { attempts: 1 } },
    )
    await queue.publish(topic, 1)
    await eventually(async () => (await queue.stats(topic)).dead === 1, 'the dead letter')
    const [letter] = await queue.deadLetters(topic).list()
    expect(letter?.failure).toMatchObject({ reason: 'crashed', attempts: 1 })
    expect(letter?.failure.error.message).toMatch(/The event loop of this process stood still for [345]\.\d s/)
    expect(runs).toBe(1)
  })

  it('a handler that holds up the event loop and ends runs once', async () => {
    const queue = await open({ url: server.url, heartbeatMs: 1_000 })
    const topic = freshTopic()
    const states: string[] = []
    queue.on('state', ({ state }) => states.push(state))
    const runs: unknown[] = []
    await queue.subscribe(
      topic,
      ({ data }) => {
        runs.push(data)
        const endsAt = performance.now() + (data === 'long' ? 4_000 : 0)
        while (performance.now() < endsAt);
      },
      { retry: { attempts: 1 }, concurrency: 1 },
    )
    await queue.publish(topic, 'long')
    await eventually(() => states.includes('connected'), 'the next connection')
    await queue.publish(topic, 'next')
    await eventually(() => runs.includes('next'), 'the next message')
    expect(runs).toEqual(['long', 'next'])
    expect((await queue.stats(topic)).dead).toBe(0)
  })

  it.each([
    ['retry', 2],
    ['dead letter', 1],
  ] as const)('the original is acknowledged after its %s is stored: no copy, no acknowledgement', async (_, tries) => {
    const link = await proxy(server)
    const queue = await open({ url: link.url })
    const other = await open({ url: server.url })
    const topic = freshTopic()
    const attempts: number[] = []
    let fail = (): void => undefined
    const failing = new Promise<void>((resolve) => {
      fail = resolve
    })
    await queue.subscribe(
      topic,
      async ({ attempt }) => {
        attempts.push(attempt)
        await failing
        throw new Error('once more')
      },
      { retry: { attempts: tries, delayMs: 0 } },
    )
    await queue.publish(topic, 1)
    await eventually(() => attempts.length === 1, 'the first run')
    const blocked = new Promise((resolve) => queue.on('blocked', resolve))
    await server.alarm(true)
    try {
      fail()
      // The broker has the beginning of the copy, and takes no more of it.
      await blocked
      await link.refuse()
      await link.cut()
      // An original that was acknowledged before its copy is stored would be gone now.
      await eventually(async () => (await other.stats(topic)).ready === 1, 'the original to be back')
      expect(await other.stats(topic)).toMatchObject({ ready: 1, dead: 0 })
    } finally {
      await server.alarm(false)
    }
    await link.heal()
    await eventually(async () => (await other.stats(topic)).dead === 1, 'the dead letter')
    expect(attempts.slice(0, tries)).toEqual([1, 2].slice(0, tries))
    expect(await other.stats(topic)).toMatchObject({ ready: 0, dead: 1 })
    await link.close()
  })

  it('after a broker that was killed and restarted, publishing and consuming go on by themselves', async () => {
    const queue = await open({ url: server.url })
    const topic = freshTopic()
    const got = new Set<unknown>()
    await queue.subscribe(topic, ({ data }) => void got.add(data))
    const states: string[] = []
    queue.on('state', ({ state }) => states.push(state))
    await server.flush()
    await queue.publish(topic, 'before')
    await server.kill()
    const during = queue.publish(topic, 'during', { timeoutMs: 60_000 })
    await eventually(() => queue.health().status === 'down', 'the loss to be noticed')
    await server.restart()
    await during
    await queue.publish(topic, 'after')
    await eventually(() => got.size === 3, 'all three')
    expect(states).toEqual(['reconnecting', 'connected'])
    expect(queue.health().status).toBe('up')
  })

  type Work = (queue: Queue, topic: string) => Promise<unknown>

  const pausedGroup: Work = async (other, topic) => {
    await other.declareGroup(topic, 'g')
    await other.pauseGroup(topic, 'g')
  }

  const deadLetter: Work = async (other, topic) => {
    const failing = await other.subscribe(topic, fail, { group: 'g', retry: { attempts: 1 } })
    await other.publish(topic, 'dead')
    await eventually(async () => (await other.stats(topic, 'g')).dead === 1, 'the dead letter')
    await failing.stop()
  }

  it.each<{ readonly what: string; readonly before?: Work; readonly work: Work; readonly after?: Work }>([
    {
      what: 'declares',
      work: (queue, topic) => queue.declareGroup(topic, 'g'),
      after: async (other, topic) => expect((await other.stats(topic, 'g')).ready).toBe(0),
    },
    {
      what: 'deletes',
      before: pausedGroup,
      work: (queue, topic) => queue.deleteGroup(topic, 'g'),
      after: async (other, topic) =>
        expect(await other.stats(topic, 'g')).toMatchObject({ ready: undefined, paused: undefined }),
    },
    {
      what: 'pauses',
      before: (other, topic) => other.declareGroup(topic, 'g'),
      work: (queue, topic) => queue.pauseGroup(topic, 'g'),
      after: async (other, topic) => expect((await other.stats(topic, 'g')).paused).toBeDefined(),
    },
    {
      what: 'resumes',
      before: pausedGroup,
      work: (queue, topic) => queue.resumeGroup(topic, 'g'),
      after: async (other, topic) => expect((await other.stats(topic, 'g')).paused).toBeUndefined(),
    },
    {
      what: 'counts',
      before: pausedGroup,
      work: async (queue, topic) => expect(await queue.stats(topic, 'g')).toMatchObject({ ready: 0, paused: {} }),
    },
    {
      what: 'lists the dead letters of',
      before: deadLetter,
      work: async (queue, topic) =>
        expect(await queue.deadLetters(topic, 'g').list()).toMatchObject([{ data: 'dead' }]),
    },
  ])('$what a group although the connection ends at any of its requests', async ({ before, work, after }) => {
    const link = await cutter(server.url)
    const [queue, other] = [await open({ url: link.url }), await open({ url: server.url })]
    for (let count = 0; ; count++) {
      const topic = freshTopic()
      await before?.(other, topic)
      // What opens a connection is not cut.
      await queue.deadLetters(topic, 'none').list()
      await eventually(() => queue.health().status === 'up', 'the connections')
      link.after(count)
      await work(queue, topic)
      if (!link.hasCut) break
      await after?.(other, topic)
    }
    await link.close()
  })

  it('a link that falls silent is given up after two heartbeats', async () => {
    const link = await proxy(server)
    const queue = await open({ url: link.url, heartbeatMs: 1_000 })
    const topic = freshTopic()
    const got: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void got.push(data))
    await link.freeze('both')
    await eventually(() => queue.health().status === 'down', 'the silence to be noticed', 6_000)
    await link.heal()
    await eventually(() => queue.health().status === 'up', 'the connection to be back')
    await queue.publish(topic, 1)
    await eventually(() => got.length === 1, 'the message')
    await link.close()
  })

  it('disconnect ends a replay that a blocked broker does not answer, without an error for each try', async () => {
    const queue = await open({ url: server.url })
    const ref = { topic: freshTopic(), group: 'workers' }
    await queue.subscribe(
      ref.topic,
      () => {
        throw new Error('broken')
      },
      { retry: { attempts: 1 } },
    )
    await queue.publish(ref.topic, 1)
    await eventually(async () => (await queue.stats(ref.topic)).dead === 1, 'the dead letter')
    const adapter = rabbitmq({ url: server.url })
    const errors: unknown[] = []
    adapter.on((event) => {
      if (event.type === 'error') errors.push(event.error)
    })
    await adapter.connect()
    await server.alarm(true)
    try {
      const replaying = adapter
        .deadLetters(ref)
        .replay(undefined)
        .catch((error) => error)
      await pause(500)
      const startedAt = Date.now()
      await adapter.disconnect({ timeoutMs: 300 })
      expect(await replaying).toMatchObject({ code: expect.stringMatching(/^MQ_/) })
      expect(Date.now() - startedAt).toBeLessThan(5_000)
      expect(errors).toEqual([])
    } finally {
      await server.alarm(false)
    }
  })

  it.each(['alive', 'frozen', 'gone'])('disconnect ends in time with a broker that is %s', async (how) => {
    const link = await proxy(server)
    const queue = await open({ url: link.url })
    const topic = freshTopic()
    await queue.subscribe(topic, () => new Promise(() => {}))
    await queue.publish(topic, 1)
    if (how === 'frozen') await link.freeze('both')
    if (how === 'gone') {
      await link.refuse()
      await link.cut()
    }
    const publishing = queue.publish(topic, 2).catch((error) => error)
    const startedAt = Date.now()
    await queue.disconnect({ timeoutMs: 300 })
    expect(Date.now() - startedAt).toBeLessThan(7_000)
    await publishing
    expect(queue.health().status).toBe('down')
    await link.close()
  })
})
