import type { ForeignStream } from '@mq/core'
import type { Faults } from '@mq/core/conformance'
import { faultsOf, type RedisServer, type StartedServer } from '@mq/test-brokers'
import { Cluster, Redis } from 'ioredis'

/** Sends commands to the server itself, past the proxy. In a cluster the driver finds the node of each key. */
async function ask<T>(server: RedisServer, question: (client: Redis | Cluster) => Promise<T>): Promise<T> {
  const { url, nodes = [], announced = [] } = server
  if (nodes.length === 0) return await using(new Redis(url, { lazyConnect: true }), question)
  // The nodes name their proxies.
  const natMap = Object.fromEntries(nodes.map((node, index) => [`127.0.0.1:${announced[index]?.port}`, { ...node }]))
  return await using(new Cluster([...nodes], { lazyConnect: true, natMap }), question)
}

/** Asks each node of a cluster, or the server. */
async function askEach<T>({ url, nodes }: RedisServer, question: (client: Redis) => Promise<T>): Promise<readonly T[]> {
  const urls = nodes?.map(({ host, port }) => `redis://${host}:${port}`) ?? [url]
  return await Promise.all(urls.map((one) => using(new Redis(one, { lazyConnect: true }), question)))
}

async function using<C extends Redis | Cluster, T>(client: C, question: (client: C) => Promise<T>): Promise<T> {
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
  leftovers: ({ server }) => askEach(server, namesIn).then((names) => names.flat()),
  async destroy({ server }, { topic }) {
    await ask(server, (client) => client.del(`mq:{${topic}}:stream`))
  },
  async publishForeign({ server }, topic, body) {
    await ask(server, (client) => client.xadd(`mq:{${topic}}:stream`, '*', 'data', Buffer.from(body)))
  },
  async foreignPlaces({ server }, name) {
    const add = (key: string): Promise<unknown> => ask(server, (client) => client.xadd(key, '*', 'payload', '0'))
    await Promise.all([add(name), add(`${name}{tag}`)])
    return [
      { stream: name, field: 'payload' },
      { stream: `${name}{tag}`, field: 'payload' },
    ]
  },
  async writeForeign({ server }, at, body) {
    const { stream } = at as ForeignStream
    await ask(server, (client) => client.xadd(stream, '*', 'payload', Buffer.from(body)))
  },
  async block({ server }) {
    await askEach(server, (client) => client.config('SET', 'maxmemory', '1'))
  },
  async heal(started) {
    await faultsOf('redis').heal?.(started)
    await askEach(started.server, (client) => client.config('SET', 'maxmemory', '0'))
  },
}
