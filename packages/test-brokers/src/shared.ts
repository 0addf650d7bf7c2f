import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KafkaServer } from './kafka/index.js'
import { kafka } from './kafka/index.js'
import { environmentUrl, type ServerKind } from './kinds.js'
import { type PostgresServer, postgresql } from './postgres/index.js'
import { type RabbitServer, rabbitmq } from './rabbitmq/index.js'
import { type RedisServer, redis } from './redis/index.js'
import { ownerOf } from './run/folder.js'
import { withLock } from './run/lock.js'
import type { ProcessId } from './run/process.js'
import { refusedVerbs } from './server.js'

export interface SharedServers {
  rabbitmq: RabbitServer
  redis: RedisServer
  kafka: KafkaServer
  postgres: PostgresServer
}

/** The verbs that are not allowed on a shared server. */
type Owned = 'kill' | 'restart' | 'pause' | 'resume' | 'stop' | 'rabbitmqctl' | 'alarm' | 'flush' | 'psql' | 'readOnly'

/** The variable with the folder that the test files of a run share. `setup.ts` sets it for every worker. */
export const runVariable = 'MQ_TEST_RUN'

/**
 * Returns the run's shared server of that kind. The first file that calls this starts it, and it ends with the run. It refuses `kill`,
 * `pause` and the like, so that no test can disturb others. Use unique names for queues, keys and topics. A proxy is allowed.
 */
export async function shared<K extends ServerKind>(kind: K): Promise<SharedServers[K]> {
  if (environmentUrl(kind) !== undefined) return (await fromEnvironment[kind]()) as SharedServers[K]
  const run = process.env[runVariable]
  const owner = run === undefined ? undefined : ownerOf(run)
  if (run === undefined || owner === undefined) {
    throw new Error(`shared('${kind}') needs globalSetup: test-brokers/src/setup.ts in the package's vitest.config.ts`)
  }
  const details = join(run, `${kind}.json`)
  const failure = failureFile(run, kind)
  await withLock(
    join(run, `${kind}.lock`),
    { what: `the shared ${kind} to be started`, timeoutMs: 900_000 },
    async () => {
      if (existsSync(failure)) throw new Error(readFileSync(failure, 'utf8'))
      if (existsSync(details)) return
      try {
        writeFileSync(details, JSON.stringify(await start[kind](owner)))
      } catch (error) {
        // The other files fail at once with the same text, so that they do not all try again.
        writeFileSync(failure, error instanceof Error ? error.message : String(error))
        throw error
      }
    },
  )
  const server = JSON.parse(readFileSync(details, 'utf8')) as Omit<SharedServers[K], Owned>
  return { ...server, ...refusedForAll(kind) } as unknown as SharedServers[K]
}

export const failureFile = (run: string, kind: ServerKind): string => join(run, `${kind}.failed`)

const fromEnvironment = { rabbitmq, redis, kafka, postgres: postgresql } satisfies {
  [K in ServerKind]: () => Promise<SharedServers[K]>
}

const start = {
  rabbitmq: (owner) => rabbitmq({}, owner),
  redis: (owner) => redis({}, owner),
  kafka: (owner) => kafka({ proxies: 6 }, owner),
  postgres: (owner) => postgresql({}, owner),
} satisfies { [K in ServerKind]: (owner: ProcessId) => Promise<SharedServers[K]> }

function refusedForAll(kind: ServerKind): object {
  const reason = `the shared ${kind} belongs to all test files; start one with ${kind}()`
  const refuse = (verb: string) => async (): Promise<never> => {
    throw new Error(`${verb}() needs a broker of this test's own: ${reason}`)
  }
  const verbs = { rabbitmq: ['rabbitmqctl', 'alarm', 'flush'], redis: [], kafka: [], postgres: ['psql', 'readOnly'] }
  const extra = Object.fromEntries(verbs[kind].map((verb) => [verb, refuse(verb)]))
  return { ...refusedVerbs(reason), ...extra }
}
