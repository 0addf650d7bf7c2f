import { randomUUID } from 'node:crypto'
import type { Diagnosis, Finding } from '@mq/core/adapter'
import type { Kafka } from 'kafkajs'
import type { Settings } from '../options.js'
import type { Names } from '../topology/plans.js'
import { counted, type OwnTopic, ownTopics } from './own-topics.js'
import { before } from './pages.js'
import { configFindings } from './topic-settings.js'
import { tryTopic } from './trial.js'

const minReplicas = 3

interface Parts {
  readonly client: Kafka
  readonly settings: Settings
  readonly names: Names
}

/** Looks for rights that are missing, settings of topics that lose messages, and clocks that are apart. */
export async function diagnose({ client, settings, names }: Parts): Promise<Diagnosis> {
  const admin = client.admin()
  await admin.connect()
  try {
    const { brokers } = await admin.describeCluster()
    const tried = settings.createTopics ? await tryTopic({ client, admin, settings, name: probeName(names) }) : []
    const topics = await ownTopics(admin, settings)
    return {
      server: `Kafka, ${brokers.length} ${brokers.length === 1 ? 'broker' : 'brokers'}`,
      findings: [...tried, ...replicaFindings(topics), ...(await configFindings(admin, topics, settings))],
    }
  } finally {
    await admin.disconnect()
  }
}

const probeName = (names: Names): string => `${names.topic('doctor')}---${randomUUID()}`

function replicaFindings(topics: readonly OwnTopic[]): readonly Finding[] {
  const few = topics.filter(({ replicas }) => replicas < minReplicas)
  if (few.length === 0) return []
  return [
    {
      code: 'kafka.replicas',
      severity: 'warning',
      problem: `${counted(few)} fewer than ${minReplicas} replicas: a broker that is lost takes messages with it.`,
      advice: 'Set the option replicationFactor to 3 for new topics, and reassign the partitions of these.',
      docs: before,
    },
  ]
}
