import { randomUUID } from 'node:crypto'
import type { Diagnosis, Finding } from '@mq/core/adapter'
import type { Admin, Kafka } from 'kafkajs'
import { errorType } from './driver/errors.js'
import type { Settings } from './options.js'
import type { Names } from './topology/plans.js'

const page = 'https://github.com/mq-js/mq/blob/main/docs/operating/kafka.md'
const before = `${page}#before-the-first-message`
const rights = 'https://github.com/mq-js/mq/blob/main/packages/kafka/README.md#rights'

const maxClockMs = 2_000
const minReplicas = 3
const dayMs = 24 * 60 * 60 * 1_000
/** How many topics one request asks about, and how many are asked about in all. */
const [atATime, maxTopics] = [100, 2_000]

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

interface Trial {
  readonly client: Kafka
  readonly admin: Admin
  readonly settings: Settings
  readonly name: string
}

/** Creates a topic, writes to it and deletes it, as the adapter does with others. The broker's time is that of the record. */
async function tryTopic({ client, admin, settings, name }: Trial): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const attempt = async <T>(right: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work()
    } catch (error) {
      if (!isRefusal(error)) throw error
      findings.push(missingRight(right, settings))
      return undefined
    }
  }
  const configEntries = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }]
  const isCreated = await attempt('Create', () =>
    admin.createTopics({
      waitForLeaders: true,
      topics: [{ topic: name, numPartitions: 1, replicationFactor: settings.replicationFactor, configEntries }],
    }),
  )
  if (isCreated === undefined) return findings
  const clock = await attempt('Write', () => clockFinding(client, name))
  await attempt('Delete', () => admin.deleteTopics({ topics: [name] }))
  return [...findings, ...(clock ?? [])]
}

const isRefusal = (error: unknown): boolean => /AUTHORIZATION_FAILED/.test(causes(error))

/** Joins what an error and those behind it say, because kafkajs wraps the answers of brokers. */
function causes(error: unknown): string {
  const texts: string[] = []
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    texts.push(String(errorType(at) ?? ''), at.message)
    const { errors } = at as { errors?: unknown }
    if (Array.isArray(errors)) texts.push(...errors.map((one) => `${errorType(one) ?? ''} ${(one as Error).message}`))
  }
  return texts.join(' ')
}

const missingRight = (right: string, { prefix }: Settings): Finding => ({
  code: `kafka.rights.${right.toLowerCase()}`,
  severity: 'error',
  problem: `The user lacks the right ${right} on topics${prefix === undefined ? '' : ` that begin with ${prefix}--`}.`,
  advice: 'Add the ACLs that the README lists.',
  docs: rights,
})

async function clockFinding(client: Kafka, topic: string): Promise<readonly Finding[]> {
  const producer = client.producer({ allowAutoTopicCreation: false })
  await producer.connect()
  try {
    const sentAt = Date.now()
    const [stored] = await producer.send({ topic, acks: -1, messages: [{ value: 'doctor' }] })
    const answeredAt = Date.now()
    const there = Number(stored?.logAppendTime ?? -1)
    if (there < 0) return []
    const apartMs = Math.max(sentAt - there, there - answeredAt)
    if (apartMs <= maxClockMs) return []
    return [
      {
        code: 'kafka.clock',
        severity: 'error',
        problem: `The clocks of the broker and of this machine are ${Math.round(apartMs / 1_000)} s apart.`,
        advice: 'Synchronise both by NTP: a consumer whose clock is ahead runs delayed messages early.',
        docs: before,
      },
    ]
  } finally {
    await producer.disconnect()
  }
}

interface OwnTopic {
  readonly name: string
  readonly kind: 'main' | 'waiting' | 'dead'
  readonly replicas: number
}

/** Finds the topics of this library by the topics that only it makes: those of retries, delays and dead letters, and what they belong to. */
async function ownTopics(admin: Admin, { prefix }: Settings): Promise<readonly OwnTopic[]> {
  const { topics } = await admin.fetchTopicMetadata()
  const all = topics.filter(({ name }) => prefix === undefined || name.startsWith(`${prefix}--`))
  const names = new Set(all.flatMap(({ name }) => mainOf(name)))
  return all
    .map(({ name, partitions }): OwnTopic | undefined => {
      const kind = kindOf(name, names)
      return kind && { name, kind, replicas: Math.min(...partitions.map(({ replicas }) => replicas.length)) }
    })
    .filter((topic) => topic !== undefined)
    .slice(0, maxTopics)
}

/** Returns the names that the main topic of a `---` topic may have. Its own name is followed by that of a group, or by nothing. */
function mainOf(name: string): readonly string[] {
  const [, own] = /^(.+)---(?:delay|retry|dead)$/.exec(name) ?? []
  return own === undefined ? [] : [own, own.slice(0, Math.max(0, own.lastIndexOf('--')))]
}

function kindOf(name: string, mains: ReadonlySet<string>): OwnTopic['kind'] | undefined {
  if (/---(delay|retry)$/.test(name)) return 'waiting'
  if (name.endsWith('---dead')) return 'dead'
  return mains.has(name) ? 'main' : undefined
}

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

const counted = (topics: readonly { readonly name: string }[]): string =>
  `${topics.length} ${topics.length === 1 ? 'topic has' : 'topics have'} (${topics[0]?.name}${topics.length > 1 ? ', …' : ''})`

interface TopicConfig extends OwnTopic {
  readonly config: ReadonlyMap<string, string>
}

async function configFindings(
  admin: Admin,
  topics: readonly OwnTopic[],
  settings: Settings,
): Promise<readonly Finding[]> {
  try {
    const configs: TopicConfig[] = []
    for (let at = 0; at < topics.length; at += atATime)
      configs.push(...(await readConfigs(admin, topics.slice(at, at + atATime))))
    return rulesOf(settings).flatMap(({ holds, ...finding }) => {
      const bad = configs.filter((topic) => !holds(topic))
      return bad.length === 0 ? [] : [{ ...finding, problem: `${counted(bad)} ${finding.problem}`, docs: before }]
    })
  } catch (error) {
    if (!isRefusal(error)) throw error
    return [
      {
        code: 'kafka.configs-refused',
        severity: 'info',
        problem: 'The user may not read the settings of topics, so they are unknown.',
        advice: 'Give the user the right DescribeConfigs on topics, if the command shall look at them.',
        docs: rights,
      },
    ]
  }
}

/** `ConfigResourceTypes.TOPIC` of kafkajs, which is CommonJS and gives no such name to a module. */
const topicResource = 2

const configNames = [
  'cleanup.policy',
  'retention.ms',
  'retention.bytes',
  'min.insync.replicas',
  'unclean.leader.election.enable',
  'message.timestamp.type',
]

async function readConfigs(admin: Admin, topics: readonly OwnTopic[]): Promise<readonly TopicConfig[]> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map(({ name }) => ({ type: topicResource, name, configNames })),
  })
  const found = new Map(
    resources.map(({ resourceName, configEntries }) => [
      resourceName,
      new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
    ]),
  )
  return topics.flatMap((topic) => {
    const config = found.get(topic.name)
    return config === undefined ? [] : [{ ...topic, config }]
  })
}

interface Rule extends Omit<Finding, 'docs'> {
  readonly holds: (topic: TopicConfig) => boolean
}

function rulesOf({ retryRetentionMs }: Settings): readonly Rule[] {
  const number = ({ config }: TopicConfig, name: string): number => Number(config.get(name) ?? -1)
  const lasts = (topic: TopicConfig, ms: number): boolean =>
    number(topic, 'retention.ms') === -1 || number(topic, 'retention.ms') >= ms
  const has = ({ config }: TopicConfig, policy: string): boolean =>
    (config.get('cleanup.policy') ?? '').split(',').includes(policy)
  return [
    {
      code: 'kafka.cleanup.waiting',
      severity: 'error',
      problem: 'cleanup.policy compact: waiting retries and delayed messages of one key replace each other.',
      advice: 'Set cleanup.policy to delete.',
      holds: (topic) => topic.kind !== 'waiting' || !has(topic, 'compact'),
    },
    {
      code: 'kafka.cleanup.dead',
      severity: 'error',
      problem: 'cleanup.policy delete: dead letters and the notes of the group are removed after their retention.',
      advice: 'Set cleanup.policy to compact.',
      holds: (topic) => topic.kind !== 'dead' || !has(topic, 'delete'),
    },
    {
      code: 'kafka.retention.waiting',
      severity: 'error',
      problem: 'a retention below retryRetentionMs: messages are removed while they wait for their time.',
      advice: `Set retention.ms to ${retryRetentionMs} or more, and retention.bytes to -1.`,
      holds: (topic) =>
        topic.kind !== 'waiting' || (lasts(topic, retryRetentionMs) && number(topic, 'retention.bytes') === -1),
    },
    {
      code: 'kafka.retention.main',
      severity: 'warning',
      problem: 'a retention below a day, or by size: messages are removed, read or not.',
      advice: 'Set retention.ms to more than the longest outage of a consumer, and retention.bytes to -1.',
      holds: (topic) => topic.kind !== 'main' || (lasts(topic, dayMs) && number(topic, 'retention.bytes') === -1),
    },
    {
      code: 'kafka.cleanup.main',
      severity: 'warning',
      problem: 'cleanup.policy compact: an unread message goes when a newer one has its key.',
      advice: 'Set cleanup.policy to delete, unless that is meant.',
      holds: (topic) => topic.kind !== 'main' || !has(topic, 'compact'),
    },
    {
      code: 'kafka.insync',
      severity: 'warning',
      problem: 'min.insync.replicas below 2: a message counts as stored when one broker has it.',
      advice: 'Set min.insync.replicas to 2, with three replicas.',
      holds: (topic) => number(topic, 'min.insync.replicas') >= 2,
    },
    {
      code: 'kafka.unclean',
      severity: 'error',
      problem: 'unclean.leader.election.enable: a replica that lacks messages may become the leader.',
      advice: 'Set it to false.',
      holds: ({ config }) => config.get('unclean.leader.election.enable') !== 'true',
    },
    {
      code: 'kafka.timestamps',
      severity: 'error',
      problem:
        'message.timestamp.type CreateTime: pauses are counted from the time at which the broker stored the record.',
      advice: 'Set message.timestamp.type to LogAppendTime.',
      holds: (topic) => topic.kind !== 'waiting' || topic.config.get('message.timestamp.type') === 'LogAppendTime',
    },
  ]
}
