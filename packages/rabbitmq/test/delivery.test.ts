import { brokers, shared } from '@mq/test-brokers'
import { beforeAll, describe, expect, it } from 'vitest'
import { eventually, freshTopic, open } from './support/open.js'

describe.skipIf(!brokers.wanted('rabbitmq'))('delivery', () => {
  let url: string
  beforeAll(async () => {
    url = (await shared('rabbitmq')).url
  })

  it('a published message reaches each group with its id, key, data and headers', async () => {
    const queue = await open({ url })
    const topic = freshTopic()
    const got: unknown[] = []
    for (const group of ['one', 'two']) {
      await queue.subscribe(topic, (message) => void got.push({ ...message, group, headers: { ...message.headers } }), {
        group,
      })
    }
    const result = await queue.publish(topic, { ü: '✓' }, { id: 'm1', key: 'k', headers: { Tenant: 'grün' } })
    expect(result).toEqual({ id: 'm1', routed: 'yes' })
    await eventually(() => got.length === 2, 'both groups')
    for (const message of got) {
      expect(message).toMatchObject({ id: 'm1', key: 'k', data: { ü: '✓' }, headers: { Tenant: 'grün' }, attempt: 1 })
    }
  })

  it('a message that fails is retried, then is a dead letter, and is tried as often again after a replay', async () => {
    const queue = await open({ url })
    const topic = freshTopic()
    const runs: { attempt: number; at: number }[] = []
    await queue.subscribe(
      topic,
      ({ attempt }) => {
        runs.push({ attempt, at: performance.now() })
        throw new Error('no')
      },
      { retry: { attempts: 3, delayMs: 200, jitter: 'none' } },
    )
    await queue.publish(topic, 1)
    await eventually(() => runs.length === 3, 'three runs')
    const [first, second, third] = runs.map(({ at }) => at)
    expect(second).toBeGreaterThanOrEqual(Number(first) + 200)
    expect(third).toBeGreaterThanOrEqual(Number(second) + 400)
    await eventually(async () => (await queue.stats(topic)).dead === 1, 'the dead letter')
    const [letter] = await queue.deadLetters(topic).list()
    expect(letter).toMatchObject({ data: 1, failure: { attempts: 3, error: { message: 'no' } } })
    expect(await queue.deadLetters(topic).replay()).toEqual({ replayed: 1 })
    await eventually(() => runs.length === 6, 'three more runs')
    expect(runs.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 1, 2, 3])
  })

  it('a delayed message is never early', async () => {
    const queue = await open({ url })
    const topic = freshTopic()
    const late: number[] = []
    await queue.subscribe(topic, ({ data }) => void late.push(Date.now() - (data as number)), {})
    await Promise.all(
      [100, 150, 300, 700, 1000, 1234, 2000, 3100].map((delayMs) =>
        queue.publish(topic, Date.now() + delayMs, { delayMs }),
      ),
    )
    await eventually(() => late.length === 8, 'all of them')
    for (const ms of late) expect(ms).toBeGreaterThanOrEqual(0)
  })
})
