import { brokers, type PostgresServer, shared, until } from '@mq/test-brokers'
import { beforeAll, describe, expect, it } from 'vitest'
import { fail, newTopic, open } from './support/open.js'

describe.skipIf(!brokers.wanted('postgres'))('the name of a dead letter', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await shared('postgres')
  })

  it('of another group of its topic purges and replays nothing', async () => {
    const queue = await open(server.url, { queue: { group: 'a', retry: false } })
    const topic = newTopic()
    const groups = ['a', 'b'] as const
    for (const group of groups) await queue.subscribe(topic, fail, { group })
    await queue.publish(topic, 1)
    const dead = async (group: string) => await queue.deadLetters(topic, group).list()
    await until(async () => (await dead('a')).length + (await dead('b')).length === 2, {
      what: 'both to be dead',
      timeoutMs: 15_000,
    })
    const [entry] = await dead('a')
    const others = queue.deadLetters(topic, 'b')
    expect(await others.purge([entry?.entryId ?? ''])).toEqual({ purged: 0 })
    expect(await others.replay([entry?.entryId ?? ''])).toEqual({ replayed: 0 })
    expect([await dead('a'), await dead('b')].map(({ length }) => length)).toEqual([1, 1])
  })
})
