import type { Adapter } from '@mq/core/adapter'
import { memory } from '@mq/memory'
import { type Kind, kafka, rabbitmq, redis, type ServerKind, type SharedServers } from '@mq/test-brokers'
import { kafkaEnemy } from './brokers/kafka/enemy.js'
import { memoryEnemy } from './brokers/memory.js'
import { rabbitEnemy } from './brokers/rabbitmq/enemy.js'
import { redisEnemy } from './brokers/redis/enemy.js'
import type { LiveField } from './field.js'
import type { Enemy } from './hostile.js'
import { remoteSubject } from './subject/remote.js'
import { createSubject } from './subject/subject.js'

/** Nobody writes hostile rows to PostgreSQL yet. */
export type FuzzedKind = Exclude<Kind, 'postgres'>
type FuzzedServer = Exclude<ServerKind, 'postgres'>

export interface Opened {
  readonly enemy: Enemy
  begin(): Promise<LiveField>
}

/** Resident memory once a subject has done something; what comes on top counts. */
async function remoteField(enemy: Enemy, secrets: readonly string[]): Promise<LiveField> {
  const subject = await remoteSubject({ ...enemy.setup, secrets })
  const { rssBytes } = await subject.look()
  return { subject, restBytes: rssBytes, secrets, end: () => subject.end() }
}

const opened = (enemy: Enemy, secrets: readonly string[] = []): Opened => ({
  enemy,
  begin: () => remoteField(enemy, secrets),
})

/** Subjects in this process, on an adapter of their own each. `wrap` is for tests of what notices faults. */
export function openMemory(wrap: (adapter: Adapter) => Adapter = (adapter) => adapter): Opened {
  let adapter: Adapter | undefined
  const enemy = memoryEnemy(() => adapter as Adapter)
  return {
    enemy,
    async begin() {
      adapter = wrap(memory())
      const subject = await createSubject(adapter)
      return { subject, restBytes: undefined, secrets: [], end: () => subject.end() }
    },
  }
}

/** On a server that is there. */
export async function openOn<K extends FuzzedServer>(kind: K, server: SharedServers[K]): Promise<Opened> {
  const secret = decodeURIComponent(new URL(server.url).password)
  const secrets = secret === '' || secret === 'guest' ? [] : [secret]
  return opened(await enemyOf(kind, server), secrets)
}

/** Everything that can be written to a server. */
export async function enemyOf<K extends FuzzedServer>(kind: K, server: SharedServers[K]): Promise<Enemy> {
  switch (kind) {
    case 'redis':
      return await redisEnemy(server as SharedServers['redis'])
    case 'rabbitmq':
      return await rabbitEnemy(server as SharedServers['rabbitmq'])
    default:
      return await kafkaEnemy(server as SharedServers['kafka'])
  }
}

const password = 'planted-secret-93'

/** On a server of its own, whose password must never be seen. */
export async function openOwn(kind: FuzzedKind): Promise<Opened & { stop(): Promise<void> }> {
  if (kind === 'memory') return { ...openMemory(), stop: async () => undefined }
  const server = await starts[kind]()
  const made = await openOn(kind, server as never)
  return {
    ...made,
    async stop() {
      await made.enemy.close()
      await server.stop()
    },
  }
}

const starts = {
  redis: () => redis({ password }),
  rabbitmq: () => rabbitmq({ users: { fuzz: { password } } }),
  // Topics of ours have to stay readable, whatever compression the broker has by default.
  kafka: () => kafka({ users: { fuzz: password }, mechanisms: ['plain'], config: { 'compression.type': 'zstd' } }),
}
