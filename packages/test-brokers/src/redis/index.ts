import { type ProcessId, self } from '../run/process.js'
import { refusedVerbs, type Server } from '../server.js'
import { ask, type Endpoint } from '../sources/ask.js'
import { askEnvironment, chooseSource, environmentReason, fromEnvironment } from '../sources/choose.js'
import { onFreePorts, portAt } from '../sources/ports.js'
import { runRecipe } from '../sources/run.js'
import { certificates } from '../tls.js'
import type { Address } from './cluster.js'
import type { RedisOptions } from './options.js'
import { nativeRedis, redisProgram } from './programs.js'
import { redisRecipe } from './recipe.js'

export interface RedisServer extends Server {
  readonly kind: 'redis'
  readonly username?: string
  readonly password?: string
  /** All nodes, if it is a cluster. */
  readonly nodes?: readonly Address[]
  /** The addresses that the nodes of a cluster announce, those of proxies. */
  readonly announced?: readonly Address[]
}

/**
 * Starts a Redis that keeps every confirmed write: it syncs its append-only file at each write and evicts nothing.
 *
 * Uses `MQ_TEST_REDIS_URL`, a Docker engine, or a native server, in this order. It ends with `stop()` or with this process.
 */
export async function redis(options: RedisOptions = {}, owner: ProcessId = self): Promise<RedisServer> {
  const url = fromEnvironment('redis', options)
  if (url !== undefined) return await environmentRedis(url)
  const source = await chooseSource(nativeRedis)
  const secured = options.tls ? certificates([]) : undefined
  const [username, user] = Object.entries(options.users ?? {})[0] ?? []
  const password = user?.password ?? options.password

  return await onFreePorts(1, owner, async (ports) => {
    const port = portAt(ports, 0)
    const recipe = redisRecipe({ options, port, program: redisProgram(), certificates: secured })
    let found: Found = {}
    const { machine, verbs } = await runRecipe(recipe, {
      source,
      owner,
      answers: async ({ place: { host } }) => {
        found = await answer(
          { host, port, tls: options.tls ?? false, ...(secured && { ca: secured.ca }) },
          options.password,
        )
      },
    })
    const { host } = machine.place
    const address = new URL(`${options.tls ? 'rediss' : 'redis'}://${host}:${port}`)
    address.username = encodeURIComponent(username ?? '')
    address.password = encodeURIComponent(password ?? '')
    return {
      kind: 'redis',
      source,
      url: address.href,
      host,
      port,
      ...found,
      ...(secured && { ca: secured.ca }),
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
      ...verbs,
    }
  })
}

async function environmentRedis(url: URL): Promise<RedisServer> {
  const endpoint = { host: url.hostname, port: Number(url.port || 6379), tls: url.protocol === 'rediss:' }
  const username = decodeURIComponent(url.username)
  const password = decodeURIComponent(url.password)
  const found = await askEnvironment('redis', () => answer(endpoint, password, username))
  return {
    kind: 'redis',
    source: 'environment',
    url: url.href,
    host: endpoint.host,
    port: endpoint.port,
    ...found,
    ...(username !== '' && { username }),
    ...(password !== '' && { password }),
    ...refusedVerbs(environmentReason('redis')),
  }
}

/**
 * Returns the version once the data is loaded. Logs in as the default user, because an ACL may refuse INFO to others.
 */
export async function answer(endpoint: Endpoint, password = '', username = ''): Promise<Found> {
  const words = username === '' ? [password] : [username, password]
  const login = password === '' ? '' : command('AUTH', ...words)
  return await ask(endpoint, {
    send: `${login}${command('INFO', 'server')}${command('PING')}`,
    read(reply) {
      const text = reply.toString('latin1')
      if (/^-LOADING/m.test(text)) throw new Error('Redis is loading its data')
      const answers = /(PONG|-[A-Z]+ [^\r]*)\r\n$/.exec(text)
      if (answers === null) return undefined
      if (login !== '' && text.startsWith('-')) throw new Error(`Redis refuses the login: ${text.split('\r')[0]}`)
      // Valkey also says of which version of Redis it is the successor.
      const valkey = /valkey_version:([\d.]+)/.exec(text)?.[1]
      if (valkey !== undefined) return { version: valkey, product: 'Valkey' }
      const version = /redis_version:([\d.]+)/.exec(text)?.[1]
      return { ...(version !== undefined && { version }) }
    },
  })
}

type Found = Pick<RedisServer, 'version' | 'product'>

const command = (...words: readonly string[]): string =>
  `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`
