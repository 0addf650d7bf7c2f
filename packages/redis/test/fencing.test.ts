import { brokers, type RedisServer, shared, until } from '@mq/test-brokers'
import { beforeAll, describe, expect, it } from 'vitest'
import { client, fail, gate, newTopic, open } from './support/open.js'

describe.skipIf(!brokers.wanted('redis'))('a message that another consumer has taken over within its claim', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await shared('redis')
  })

  /** Runs a message, and gives it to a consumer called `other` in the middle of its handler. */
  async function takeOver(handler: () => unknown) {
    const queue = await open(server.url, { redis: { visibilityMs: 3_000 }, queue: { retry: { delayMs: 10 } } })
    const [topic, started, taken] = [newTopic(), gate(), gate()]
    const stream = `mq:{${topic}}:stream`
    const signals: AbortSignal[] = []
    await queue.subscribe(topic, async ({ data }, { signal }) => {
      signals.push(signal)
      started.open()
      await taken.opened
      return data === 1 ? handler() : undefined
    })
    await queue.publish(topic, 1)
    await started.opened
    const admin = await client(server.url)
    const [[id] = ['']] = await admin.xrange(stream, '-', '+')
    await admin.xclaim(stream, 'g', 'other', 0, id)
    taken.open()
    const owners = async () => ((await admin.xpending(stream, 'g', '-', '+', 10)) as string[][]).map(([, name]) => name)
    return { queue, topic, signals, owners }
  }

  it.each([
    ['acknowledged', () => 'done'],
    ['retried or dead-lettered', fail],
  ])('is not %s by its former owner', async (_, handler) => {
    const { queue, topic, signals, owners } = await takeOver(handler)
    // The settlement of the next message is behind that of the first one.
    await queue.publish(topic, 2)
    await until(() => signals.length === 2, { what: 'the second message to run' })
    const isBehind = async (): Promise<boolean> => (await owners()).length === 1
    await until(isBehind, { what: 'the second message to be settled' })
    expect(await owners()).toEqual(['other'])
    expect(await queue.stats(topic)).toMatchObject({ inFlight: 1, dead: 0 })
  })

  it('is not claimed back by a renewal, and its former handler is aborted', async () => {
    const { signals, owners } = await takeOver(() => new Promise(() => {}))
    await until(() => signals[0]?.aborted === true, { what: 'the signal to abort' })
    expect(signals[0]?.reason).toMatchObject({ code: 'MQ_OWNERSHIP_LOST' })
    expect(await owners()).toEqual(['other'])
  })
})
