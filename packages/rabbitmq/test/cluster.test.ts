import { brokers, isCluster, type RabbitCluster, rabbitCluster } from '@mq/test-brokers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, freshTopic, open, pause } from './support/open.js'

const slowMs = 60_000
/** In 3.10.8, delay queues may stand still for minutes after an election of their leader (rabbitmq-server#7677). */
const longestStandstillMs = 240_000

/** Runs only with the long tests and those of clusters: on two busy cores, it takes a minute to kill and restart three nodes. */
const isLong = process.env.MQ_TEST_LONG === '1' || isCluster()

describe.skipIf(!isLong || !brokers.owned('rabbitmq'))('a cluster of three nodes', () => {
  let cluster: RabbitCluster

  beforeAll(async () => {
    cluster = await rabbitCluster()
  })
  afterAll(async () => {
    await cluster?.stop()
  })

  it('loses no stored, delayed or retried message when a node dies, and goes on without that node', async () => {
    const topic = freshTopic()
    const [first, second, third] = cluster.nodes
    if (first === undefined || second === undefined || third === undefined) throw new Error('There must be three')
    const seen = new Set<number>()
    const queues = await Promise.all(
      [first, second].map(({ url }) =>
        open({ url, hosts: cluster.nodes.map(({ host }) => host) }, { retry: { attempts: 10, delayMs: 200 } }),
      ),
    )
    for (const queue of queues) {
      await queue.subscribe(topic, async ({ data, attempt }) => {
        await pause(5)
        if (Number(data) % 17 === 0 && attempt === 1) throw new Error('once')
        seen.add(Number(data))
      })
    }
    const stored: number[] = []
    let next = 0
    let isOver = false
    const publish = async (number: number): Promise<void> => {
      const delayMs = number % 13 === 0 ? 300 : 0
      await queues[number % 2]?.publish(topic, number, { timeoutMs: slowMs, delayMs })
      stored.push(number)
    }
    const publishing = Promise.all(
      Array.from({ length: 10 }, async () => {
        while (!isOver) {
          await publish(next++)
          await pause(10)
        }
      }),
    )
    const more = async (what: string): Promise<void> => {
      const [before, handled] = [stored.length, seen.size]
      const isMore = (): boolean => stored.length > before + 200 && seen.size > handled + 200
      await eventually(isMore, `two hundred to be stored and handled ${what}`, slowMs)
    }
    for (const node of [first, third]) {
      await more('before')
      await node.kill()
      await more('without it')
      await node.start()
      await eventually(() => open({ url: node.url }).then(() => true), 'the node', slowMs)
    }
    await more('in the end')
    isOver = true
    await publishing
    await eventually(() => stored.every((number) => seen.has(number)), 'all of it', longestStandstillMs)
    for (const queue of queues) expect(queue.health().status).toBe('up')
    expect(await queues[0]?.deadLetters(topic).list()).toEqual([])
  }, 600_000)
})
