import type { ForeignStream } from '@mq/core'
import type { Faults } from '@mq/core/conformance'
import { faultsOf, type RedisServer, type StartedServer } from '@mq/test-brokers'
import { Redis } from 'ioredis'

/** Sends one command to the server itself, past the proxy. */
async function ask<T>(url: string, question: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, { lazyConnect: true })
  client.on('error', () => {})
  try {
    await client.connect()
    return await question(client)
  } finally {
    client.disconnect()
  }
}

type Started = StartedServer<RedisServer>

/** The faults that test-brokers can inject into Redis, and those that need the names of our keys. */
export const redisFaults: Faults<Started> = {
  ...faultsOf('redis'),
  async destroy({ server }, { topic }) {
    await ask(server.url, (client) => client.del(`mq:{${topic}}:stream`))
  },
  async publishForeign({ server }, topic, body) {
    await ask(server.url, (client) => client.xadd(`mq:{${topic}}:stream`, '*', 'data', Buffer.from(body)))
  },
  async foreignPlaces({ server }, name) {
    const add = (key: string): Promise<unknown> => ask(server.url, (client) => client.xadd(key, '*', 'payload', '0'))
    await Promise.all([add(name), add(`${name}{tag}`)])
    return [
      { stream: name, field: 'payload' },
      { stream: `${name}{tag}`, field: 'payload' },
    ]
  },
  async writeForeign({ server }, at, body) {
    const { stream } = at as ForeignStream
    await ask(server.url, (client) => client.xadd(stream, '*', 'payload', Buffer.from(body)))
  },
  async block({ server }) {
    await ask(server.url, (client) => client.config('SET', 'maxmemory', '1'))
  },
  async heal(started) {
    await faultsOf('redis').heal?.(started)
    await ask(started.server.url, (client) => client.config('SET', 'maxmemory', '0'))
  },
}
