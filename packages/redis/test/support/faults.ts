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

/** The names of all keys with our prefix, and of the groups and members in each stream. */
async function namesIn(client: Redis): Promise<readonly string[]> {
  const keys = await client.keys('mq:*')
  const groupsOf = async (key: string): Promise<readonly string[]> => {
    const groups = (await client.xinfo('GROUPS', key).catch(() => [])) as readonly (readonly unknown[])[]
    return groups.map((fields) => `${key} group ${String(fields[1])}`)
  }
  return [...keys, ...(await Promise.all(keys.map(groupsOf))).flat()]
}

type Started = StartedServer<RedisServer>

/** The faults that test-brokers can inject into Redis, and those that need the names of our keys. */
export const redisFaults: Faults<Started> = {
  ...faultsOf('redis'),
  leftovers: ({ server }) => ask(server.url, namesIn),
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
