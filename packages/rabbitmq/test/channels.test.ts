import { brokers, shared } from '@mq/test-brokers'
import { type ChannelModel, connect, type Options, type SocketOptions } from 'amqplib'
import { beforeAll, describe, expect, it } from 'vitest'
import { eventually, freshTopic, open } from './support/open.js'

type CreateClient = (url: Options.Connect, socketOptions: SocketOptions) => Promise<ChannelModel>

const withChannels =
  (channelMax: number): CreateClient =>
  (url, socketOptions) =>
    connect({ ...url, channelMax }, socketOptions)

/** The broker has a limit that the connection does not tell, as one for all connections of a node is. */
const withSecretLimit: CreateClient = async (url, socketOptions) => {
  const opened = await withChannels(8)(url, socketOptions)
  Object.assign(opened.connection, { channelMax: 2_047 })
  return opened
}

describe.skipIf(!brokers.wanted('rabbitmq'))('a limit of channels', () => {
  let url: string
  beforeAll(async () => {
    url = (await shared('rabbitmq')).url
  })

  async function subscribeAll(count: number, createClient: CreateClient, ordered = false) {
    const queue = await open({ url, createClient })
    const states: string[] = []
    queue.on('state', ({ state }) => states.push(state))
    const attempts = new Map<string, number[]>()
    const taken: string[] = []
    const codes = new Set<unknown>()
    for (let left = count; left > 0; left--) {
      const topic = freshTopic()
      const seen: number[] = []
      attempts.set(topic, seen)
      await queue
        .subscribe(topic, ({ attempt }) => void seen.push(attempt), { ordered })
        .then(
          () => taken.push(topic),
          ({ code }) => codes.add(code),
        )
    }
    await Promise.all(taken.map((topic) => queue.publish(topic, 1)))
    await eventually(() => taken.every((topic) => attempts.get(topic)?.length === 1), 'a message of each')
    for (const topic of taken) expect(attempts.get(topic)).toEqual([1])
    for (const topic of taken) expect(await queue.stats(topic)).toMatchObject({ dead: 0 })
    return { queue, taken, codes: [...codes], states }
  }

  it.each([false, true])(
    'refuses the subscription that is too many, and the others go on, ordered: %s',
    async (ordered) => {
      const { queue, taken, codes, states } = await subscribeAll(20, withChannels(16), ordered)
      expect(taken.length).toBe(ordered ? 6 : 12)
      expect(codes).toEqual(['MQ_NOT_SUPPORTED'])
      await Promise.all(
        taken.flatMap((topic) => [
          queue.stats(topic),
          queue
            .deadLetters(topic)
            .list()
            .catch(() => []),
        ]),
      )
      expect(states).toEqual([])
      expect(queue.health().status).toBe('up')
    },
  )

  it('gives the channel of a stopped subscription to another one', async () => {
    const queue = await open({ url, createClient: withChannels(8) })
    for (let times = 0; times < 8; times++) {
      const subscription = await queue.subscribe(freshTopic(), () => {})
      await subscription.stop()
    }
  })

  it('that only the broker knows refuses a subscription by name, too', async () => {
    const queue = await open({ url, createClient: withSecretLimit })
    const subscribing = Array.from({ length: 12 }, () => queue.subscribe(freshTopic(), () => {}))
    await expect(Promise.all(subscribing)).rejects.toMatchObject({
      code: 'MQ_NOT_SUPPORTED',
      message: expect.stringMatching(/no more channels/),
    })
    await Promise.allSettled(subscribing)
  })
})
