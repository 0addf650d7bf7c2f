import type { Finding } from '@mq/core/adapter'
import type { Admin } from 'kafkajs'
import type { Settings } from '../options.js'
import { counted, type OwnTopic } from './own-topics.js'
import { before, rights } from './pages.js'
import { isRefusal } from './refusal.js'

const dayMs = 24 * 60 * 60 * 1_000
/** How many topics one request asks about. */
const atATime = 100

interface TopicConfig extends OwnTopic {
  readonly config: ReadonlyMap<string, string>
}

export async function configFindings(
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
