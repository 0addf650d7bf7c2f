import type { Finding } from '@mq/core/adapter'
import { listFrom } from '../management/list.js'
import type { Settings } from '../options.js'

const page = 'https://github.com/mq-js/mq/blob/main/docs/operating/rabbitmq.md'
const before = `${page}#before-the-first-message`

/** A queue as the management API shows it. Everything in it is checked before it is used. */
interface QueueInfo {
  readonly name: string
  readonly policy: string
  readonly settings: Readonly<Record<string, unknown>>
  readonly members: number | undefined
}

/** Returns what the management API says about our queues: policies that lose messages, and too few replicas. */
export async function managementFindings(settings: Settings): Promise<readonly Finding[]> {
  if (settings.management === undefined) return [unasked]
  let queues: readonly QueueInfo[]
  try {
    queues = await ownQueues(settings, settings.management)
  } catch (error) {
    return [unanswered((error as Error).message)]
  }
  return [...policyFindings(queues, settings), ...replicaFindings(queues)]
}

const unasked: Finding = {
  code: 'rabbitmq.no-management',
  severity: 'info',
  problem: 'Policies, replicas and the delivery timeout are unknown: AMQP does not report them.',
  advice: 'Name the management API: MQ_MANAGEMENT_URL=http://host:15672 for the command, or the option management.',
  docs: before,
}

const unanswered = (why: string): Finding => ({
  code: 'rabbitmq.management-failed',
  severity: 'warning',
  problem: `The management API did not answer: ${why}.`,
  advice: 'Check its URL, that the plugin is enabled, and that the user has the tag monitoring.',
  docs: before,
})

/** Settings of a policy that break a promise, by their name, with what they do. */
const harmful: Readonly<Record<string, string>> = {
  'message-ttl': 'takes messages away that are not handled in time',
  expires: 'deletes a queue without consumers, with its messages',
  'max-length': 'limits the queue: publishing is refused, or the oldest dead letters are dropped',
  'max-length-bytes': 'limits the queue: publishing is refused, or the oldest dead letters are dropped',
  'dead-letter-exchange': 'sends messages elsewhere',
}

/** A lower limit takes messages away before their retries are used up. */
const minDeliveryLimit = 3

function policyFindings(queues: readonly QueueInfo[], settings: Settings): readonly Finding[] {
  const found = new Map<string, { readonly finding: Finding; count: number }>()
  for (const queue of queues) {
    for (const finding of queueFindings(queue, settings)) {
      const known = found.get(finding.code + finding.problem)
      if (known === undefined) found.set(finding.code + finding.problem, { finding, count: 1 })
      else known.count += 1
    }
  }
  return [...found.values()].map(({ finding, count }) => ({
    ...finding,
    problem: `${finding.problem} It applies to ${count} ${count === 1 ? 'queue' : 'queues'}.`,
  }))
}

function queueFindings(queue: QueueInfo, { consumerTimeoutMs, prefix }: Settings): readonly Finding[] {
  const { policy, settings } = queue
  const advice = `Change the policy so that it does not match ^${prefix}--.`
  const limits = Object.entries(harmful)
    .filter(([name]) => settings[name] !== undefined)
    .map(([name, effect]): Finding => {
      const problem = `The policy '${policy}' sets ${name}, which ${effect}.`
      return { code: `rabbitmq.policy.${name}`, severity: 'error', problem, advice, docs: before }
    })
  const limit = settings['delivery-limit']
  if (typeof limit === 'number' && limit >= 0 && limit < minDeliveryLimit) {
    const problem = `The policy '${policy}' sets delivery-limit to ${limit}, which takes messages away before their retries.`
    limits.push({ code: 'rabbitmq.policy.delivery-limit', severity: 'error', problem, advice, docs: before })
  }
  const timeout = settings['consumer-timeout']
  if (typeof timeout === 'number' && timeout < consumerTimeoutMs) {
    limits.push({
      code: 'rabbitmq.delivery-timeout',
      severity: 'error',
      problem: `The policy '${policy}' sets consumer-timeout to ${timeout} ms, below the ${consumerTimeoutMs} ms that handlers may take.`,
      advice: 'Raise it, or set the option consumerTimeoutMs to the same value.',
      docs: before,
    })
  }
  return limits
}

const wantedReplicas = 3

function replicaFindings(queues: readonly QueueInfo[]): readonly Finding[] {
  const few = queues.filter(({ members }) => members !== undefined && members < wantedReplicas)
  const [first] = few
  if (first === undefined) return []
  return [
    {
      code: 'rabbitmq.replicas',
      severity: 'warning',
      problem: `${few.length} of ${queues.length} queues have fewer than ${wantedReplicas} replicas, ${first.name} for example.`,
      advice: 'Run three nodes, and add replicas with `rabbitmq-queues grow`, if messages matter.',
      docs: before,
    },
  ]
}

async function ownQueues(settings: Settings, management: URL): Promise<readonly QueueInfo[]> {
  const columns = 'name,policy,operator_policy,effective_policy_definition,members,type'
  const start = `${settings.prefix}--`
  const { items } = await listFrom(settings, management, { what: 'queues', starts: [start], columns })
  return items.map(queueInfo)
}

function queueInfo(item: unknown): QueueInfo {
  const { name, policy, operator_policy, effective_policy_definition, members, type } = (item ?? {}) as Record<
    string,
    unknown
  >
  const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)
  const isObject = typeof effective_policy_definition === 'object' && effective_policy_definition !== null
  return {
    name: text(name) ?? '',
    policy: text(policy) ?? text(operator_policy) ?? 'unknown',
    settings: isObject ? (effective_policy_definition as Record<string, unknown>) : {},
    members: type === 'quorum' && Array.isArray(members) ? members.length : undefined,
  }
}
