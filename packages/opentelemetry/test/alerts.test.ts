import { type Adapter, createQueue, type Queue, Unrecoverable } from '@mq/core'
import { rabbitmq as rabbitmqAdapter } from '@mq/rabbitmq'
import { redis as redisAdapter } from '@mq/redis'
import { brokers, type RabbitServer, type RedisServer, rabbitmq, redis } from '@mq/test-brokers'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { instrument } from '../src/index.js'
import { type Seen, watchedBy } from './support/alerts.js'
import { hastened, withoutTimes } from './support/hastened.js'
import { serveMetrics } from './support/metrics.js'
import { dashboardQueries, rulesIn, rulesText, triggerOf } from './support/shown.js'

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
const group = 'shipping'

/** A process that measures its groups, and in one of them handles a message five times a second. */
async function processOf(adapter: Adapter, { topics, steady }: { topics: readonly string[]; steady: string }) {
  const metrics = await serveMetrics()
  const queue: Queue = createQueue(adapter, { group, log: silent, logFailures: false })
  const groups = [...topics, steady].map((target) => ({ target, group }))
  // Less than the time of a scrape here.
  instrument(queue, { meterProvider: metrics.provider, groups, timeoutMs: 250 })
  await queue.connect()
  for (const { target } of groups) await queue.declareGroup(target, group)
  await queue.subscribe(steady, () => {})
  const publishing = setInterval(() => void queue.publish(steady, 1, { timeoutMs: 400 }).catch(() => {}), 200)
  return {
    queue,
    address: metrics.address,
    async close() {
      clearInterval(publishing)
      await queue.disconnect()
      await metrics.close()
    },
  }
}

it('the rules that the tests evaluate differ from those that we ship in times alone', () => {
  const faster = hastened(rulesText, 150)
  expect(withoutTimes(faster)).toBe(withoutTimes(rulesText))
  expect(faster.match(/(\[|offset |for: )\d+[smh]\b/g)).toBeNull()
  expect(faster).toContain('for: 24000ms')
  expect(faster).toContain('> 4\n')
})

describe.skipIf(!brokers.owned('redis') || !brokers.owned('rabbitmq'))('in a real Prometheus', () => {
  let servers: { redis: RedisServer; rabbitmq: RabbitServer }
  let onRedis: Awaited<ReturnType<typeof processOf>>
  let onRabbit: Awaited<ReturnType<typeof processOf>>
  let watched: Awaited<ReturnType<typeof watchedBy>>

  beforeAll(async () => {
    const [one, other] = await Promise.all([redis(), rabbitmq()])
    servers = { redis: one, rabbitmq: other }
    onRedis = await processOf(redisAdapter({ url: one.url, commandTimeoutMs: 1_000 }), {
      topics: ['order.paid', 'refund', 'paused', 'lost'],
      steady: 'mail',
    })
    onRabbit = await processOf(rabbitmqAdapter({ url: other.url }), { topics: ['parcel'], steady: 'letter' })
    watched = await watchedBy([onRedis.address, onRabbit.address])
  })
  afterAll(async () => {
    await watched?.stop()
    await Promise.all([onRedis?.close(), onRabbit?.close()])
    await Promise.all([servers?.redis.stop(), servers?.rabbitmq.stop()])
  })

  const soon = { timeout: 30_000, interval: 100 }
  const expected = new Set<Seen>()
  const firingOf = (alerts: readonly Seen[]) => async () =>
    (await watched.firing()).map(({ seen }) => seen).filter((seen) => alerts.includes(seen))

  /** Makes a trouble and mends it. None of its alerts may have fired before, all have to fire, and all have to end. */
  async function fires(alerts: readonly Seen[], trouble: Trouble) {
    expect((await watched.everFired()).filter((alert) => alerts.includes(alert))).toEqual([])
    await trouble.make()
    await endsOnceMended(alerts, trouble)
  }

  async function endsOnceMended(alerts: readonly Seen[], { meanwhile, mend }: Omit<Trouble, 'make'>) {
    for (const alert of alerts) expected.add(alert)
    const firing = firingOf(alerts)
    await expect.poll(firing, soon).toEqual([...alerts].sort())
    for (const { seen, summary } of await watched.firing()) expect(summary).toContain(seen.split(' ')[1])
    await meanwhile?.()
    await mend?.()
    await expect.poll(firing, soon).toEqual([])
  }

  it('the rules that we ship are valid, and nothing fires while nothing is wrong', async () => {
    await watched.promtool('check', 'rules', 'shipped.yaml')
    await watched.promtool('check', 'config', 'prometheus.yml')
    // Ten minutes of operation.
    const evaluations = async (): Promise<number> => {
      const steady = 'mq:group_messages:known{messaging_destination_name="mail", mq_message_state="ready"}'
      return Number((await watched.query(`count_over_time(${steady}[1h])`))[0]?.value[1])
    }
    await expect.poll(evaluations, soon).toBeGreaterThan(20)
    const known = await watched.query('mq_group_known')
    expect(known.map(({ value }) => value[1])).toEqual(['1', '1', '1', '1', '1', '1', '1'])
    expect(await watched.everFired()).toEqual([])
  })

  it('a group may be paused for a while', async () => {
    // An hour is the longest time of all, so this trouble begins first and is looked at last.
    await onRedis.queue.pauseGroup('paused', group)
    await expect.poll(() => watched.pending(), soon).toContain('MqPausedForLong paused')
  })

  it('messages that nobody takes fire until a consumer comes, and the query for KEDA counts them', async () => {
    const { query = '' } = triggerOf('prometheus').metadata
    await fires(['MqOldestMessageTooOld order.paid'], {
      make: () => onRedis.queue.publishAll('order.paid', [1, 2, 3, 4, 5, 6, 7]),
      meanwhile: async () => {
        const results = await watched.query(query)
        expect(results.map(({ value }) => value[1])).toEqual(['7'])
      },
      mend: () => onRedis.queue.subscribe('order.paid', () => {}),
    })
  })

  it('messages that nobody takes fire, too, at a broker that does not know their age', async () => {
    await fires(['MqBacklogStays parcel'], {
      make: () => onRabbit.queue.publishAll('parcel', [1, 2, 3]),
      mend: () => onRabbit.queue.subscribe('parcel', () => {}),
    })
  })

  it('a dead letter fires until it is replayed', async () => {
    let isBroken = true
    const handle = () => {
      if (isBroken) throw new Unrecoverable('no such order')
    }
    await onRedis.queue.subscribe('refund', handle)
    // This one makes an event of its error, for which there is a panel and no alert.
    await onRedis.queue.subscribe('refund', handle, { ephemeral: true })
    await fires(['MqDeadLetters refund'], {
      make: () => onRedis.queue.publish('refund', 1),
      mend: async () => {
        isBroken = false
        expect((await onRedis.queue.deadLetters('refund').replay()).replayed).toBe(1)
      },
    })
  })

  it('lost messages fire, the first ones of a process too, and only for a while', async () => {
    await onRedis.queue.subscribe('lost', () => {})
    await fires(['MqMessagesLost lost'], {
      make: async () => {
        const client = new Redis(servers.redis.url)
        await client.del('mq:{lost}:stream')
        client.disconnect()
      },
    })
  })

  it('a broker that takes no messages fires, and so do the publishes that fail, until it takes some', async () => {
    await fires(['MqBlocked rabbitmq', 'MqPublishesFail letter'], {
      make: () => servers.rabbitmq.alarm(true),
      mend: () => servers.rabbitmq.alarm(false),
    })
  })

  it('a broker that does not answer fires until it answers', async () => {
    const topics = ['lost', 'mail', 'order.paid', 'paused', 'refund']
    const missing = topics.map((topic): Seen => `MqFiguresMissing ${topic}`)
    await fires([...missing, 'MqNotConnected redis', 'MqPublishesFail mail'], {
      make: () => servers.redis.pause(),
      meanwhile: async () => expect(await watched.silentTargets()).toEqual([]),
      mend: () => servers.redis.resume(),
    })
  })

  it('a group that is paused for too long fires until it is resumed', async () => {
    await endsOnceMended(['MqPausedForLong paused'], { mend: () => onRedis.queue.resumeGroup('paused', group) })
  })

  it('each alert has fired, and none without its trouble', async () => {
    expect(await watched.everFired()).toEqual([...expected].sort())
    const named = rulesIn(rulesText).flatMap(({ alert }) => alert ?? [])
    expect(named.sort()).toEqual([...new Set([...expected].map((seen) => seen.split(' ')[0]))].sort())
  })

  it.each(dashboardQueries)('the panel "$of" of the dashboard has shown something', async ({ expression }) => {
    const text = expression.replace(/\$(topic|group)/g, '.+').replaceAll('$__rate_interval', '2s')
    expect((await watched.seriesOf(text)).length).toBeGreaterThan(0)
  })
})

interface Trouble {
  readonly make: () => Promise<unknown>
  /** Looks at something else while the alerts fire. */
  readonly meanwhile?: () => Promise<unknown>
  /** Left out if the alerts end by themselves. */
  readonly mend?: () => Promise<unknown>
}
