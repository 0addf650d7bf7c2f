import { type ProcessId, self } from '../run/process.js'
import { until } from '../run/wait.js'
import { refusedVerbs, type Server } from '../server.js'
import { ask, type Endpoint } from '../sources/ask.js'
import { askEnvironment, chooseSource, environmentReason, fromEnvironment } from '../sources/choose.js'
import { onFreePorts, portAt } from '../sources/ports.js'
import { runRecipe } from '../sources/run.js'
import { certificates } from '../tls.js'
import type { PostgresOptions } from './options.js'
import { nativePostgres, postgresFolder } from './programs.js'
import { database, pathOf, postgresRecipe, user } from './recipe.js'

export interface PostgresServer extends Server {
  readonly kind: 'postgres'
  readonly username: string
  readonly password: string
  readonly database: string
  /** Runs SQL by `psql` beside the server, and resolves with what it prints. */
  psql(sql: string): Promise<string>
  /** Makes new transactions read-only by default, or not any more. Resolves once the server has read it. */
  readOnly(isOn: boolean): Promise<void>
}

/**
 * Starts a PostgreSQL that keeps every confirmed write when it is killed, and asks for a password. It takes TLS, with a certificate that nobody trusts but its
 * `ca`.
 *
 * Uses `MQ_TEST_POSTGRES_URL`, a Docker engine, or a native server, in this order. It ends with `stop()` or with this process.
 */
export async function postgresql(options: PostgresOptions = {}, owner: ProcessId = self): Promise<PostgresServer> {
  const url = fromEnvironment('postgres', options)
  if (url !== undefined) return await environmentPostgres(url)
  const source = await chooseSource(nativePostgres)
  const secured = certificates([])
  const password = options.password ?? 'open-sesame-7'
  const programs = source === 'native' ? postgresFolder() : ''

  return await onFreePorts(1, owner, async (ports) => {
    const port = portAt(ports, 0)
    const recipe = postgresRecipe({ options, password, port, programs, certificates: secured })
    const { machine, verbs } = await runRecipe(recipe, {
      source,
      owner,
      answers: ({ place: { host } }) => answer({ host, port }),
    })
    const { place } = machine
    const path = pathOf(place, programs)
    const version = /\(PostgreSQL\) (\d+\.\d+)/.exec(await machine.run(`${path} postgres --version`, 10_000))?.[1]
    const psql = async (sql: string): Promise<string> => {
      const quoted = `'${sql.replaceAll("'", "'\\''")}'`
      const login = `PGPASSWORD='${password}' ${path}`
      const command = `psql -X -A -t -v ON_ERROR_STOP=1 -h 127.0.0.1 -p ${port} -U ${user} -d ${database} -c ${quoted}`
      return await machine.run(`${login} ${command}`, 30_000)
    }
    const address = new URL(`postgres://${place.host}:${port}/${database}`)
    address.username = user
    address.password = encodeURIComponent(password)
    return {
      kind: 'postgres',
      source,
      url: address.href,
      host: place.host,
      port,
      ...(version !== undefined && { version }),
      ca: secured.ca,
      username: user,
      password,
      database,
      ...verbs,
      psql,
      async readOnly(isOn) {
        const state = isOn ? 'on' : 'off'
        await psql(`ALTER SYSTEM SET default_transaction_read_only = ${state}`)
        await psql('SELECT pg_reload_conf()')
        await until(async () => (await psql('SHOW default_transaction_read_only')).trim() === state, {
          what: `default_transaction_read_only to be ${state}`,
        })
      },
    }
  })
}

async function environmentPostgres(url: URL): Promise<PostgresServer> {
  const endpoint = { host: url.hostname, port: Number(url.port || 5432) }
  await askEnvironment('postgres', () => answer(endpoint))
  const refuse = (verb: string) => async (): Promise<never> => {
    throw new Error(`${verb}() needs a server of this test's own: ${environmentReason('postgres')}`)
  }
  return {
    kind: 'postgres',
    source: 'environment',
    url: url.href,
    ...endpoint,
    username: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)),
    ...refusedVerbs(environmentReason('postgres')),
    psql: refuse('psql'),
    readOnly: refuse('readOnly'),
  }
}

/** Resolves once the server asks for a password, which it does not do while it starts. */
async function answer(endpoint: Endpoint): Promise<true> {
  return await ask(endpoint, {
    send: startup({ user, database }),
    read(reply) {
      if (reply.length === 0) return undefined
      if (reply[0] === 'R'.charCodeAt(0)) return true
      throw new Error(`PostgreSQL is not ready: ${reply.toString('latin1').replaceAll('\0', ' ')}`)
    },
  })
}

/** The first message of a client, in version 3.0 of the protocol. */
function startup(parameters: Readonly<Record<string, string>>): Buffer {
  const texts = Object.entries(parameters).flat()
  const body = Buffer.from(`${texts.join('\0')}\0\0`)
  const head = Buffer.alloc(8)
  head.writeUInt32BE(8 + body.length, 0)
  head.writeUInt32BE(196_608, 4)
  return Buffer.concat([head, body])
}
