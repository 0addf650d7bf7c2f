import { brokers, shared, redis as startRedis, until } from '@mq/test-brokers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { listen, sentinelOf } from './support/listen.js'
import { newTopic, open } from './support/open.js'

const name = 'mymaster'

describe.skipIf(!brokers.owned('redis'))('Sentinels', () => {
  it('lead to a master over TLS under its own address, although they themselves use no TLS', async () => {
    const server = await startRedis({ tls: true, password: 'secret' })
    onTestFinished(() => server.stop())
    const names = new Set<string>()
    const checkServerIdentity = (host: string): undefined => void names.add(host)
    const queue = await open(undefined, {
      redis: {
        password: 'secret',
        tls: { ca: server.ca as string, checkServerIdentity },
        sentinel: { name, nodes: [await sentinelOf(server)] },
        connectTimeoutMs: 3_000,
      },
    })
    const topic = newTopic()
    const seen: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void seen.push(data))
    await queue.publish(topic, 1)
    await until(() => seen.length === 1, { what: 'the message' })
    expect([...names]).toEqual([server.host])
  })

  it('are asked one after the other, even if the first ones accept and stay silent', async () => {
    const nodes = [await listen(), await listen(), await sentinelOf(await shared('redis'))]
    const queue = await open(undefined, { redis: { sentinel: { name, nodes }, connectTimeoutMs: 2_000 } })
    await queue.subscribe(newTopic(), () => {})
    expect(queue.health().status).toBe('up')
  })
})
