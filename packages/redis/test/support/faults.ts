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
  async block({ server }) {
    await ask(server.url, (client) => client.config('SET', 'maxmemory', '1'))
  },
  async heal(started) {
    await faultsOf('redis').heal?.(started)
    await ask(started.server.url, (client) => client.config('SET', 'maxmemory', '0'))
  },
}
