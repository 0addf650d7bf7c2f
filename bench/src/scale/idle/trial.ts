import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { openQueue } from '@mq/core'
import { type Child, child } from '@mq/test-brokers'
import type { StartedBroker } from '../../brokers.js'
import { type CommandRates, commandRates } from '../broker/commands.js'
import { loadOf, processesBehind, processorSeconds, residentMiB, socketsOf } from '../broker/processes.js'
import type { Setting } from '../part.js'
import type { Job, Order, Said } from './plan.js'
import type { Shape } from './shapes.js'

export interface IdleFigures {
  readonly sockets: number
  /** Percent of a core. */
  readonly clientPercent: number
  /** Percent of a core beyond what the broker takes for the same topics without a subscription. */
  readonly brokerPercent: number
  readonly commands: CommandRates
  readonly subscribedMs: number
  /** From the first publish until one message to each topic was handled by each group. */
  readonly handledMs: number
  readonly rssMiB: number
  /** Microseconds of processor time that one delivery takes, with its part of the publishes. */
  readonly clientMicros: number
  readonly brokerMicros: number
}

const subscriber = new URL('./subscriber.ts', import.meta.url)
const answerMs = 300_000

/** Measures one process with the subscriptions of a shape, from outside. */
export async function idleTrial(setting: Setting, shape: Shape, broker: StartedBroker): Promise<IdleFigures> {
  const { sizes, env } = setting
  const run = randomUUID()
  const names = (kind: string, count: number) => Array.from({ length: count }, (_, index) => `${kind}-${run}-${index}`)
  const job: Job = { url: broker.url, topics: names('topic', shape.topics), groups: names('group', shape.groups) }
  // Another process cannot see the embedded broker.
  if (setting.broker !== 'memory') await declare(job)
  const process = await child<Said>(subscriber, { args: [JSON.stringify(job)], env })
  try {
    await answer(process, 'connected')
    const ours = [process.pid]
    const theirs = broker.port === undefined ? [] : await processesBehind(broker.port)
    const windowMs = sizes.window * 1_000
    await sleep(sizes.settle * 1_000)
    const [base = Number.NaN] = await loadOf([theirs], windowMs)

    const { ms: subscribedMs } = await ask(process, { type: 'subscribe' }, 'subscribed')
    await sleep(sizes.settle * 1_000)
    const [clientPercent = Number.NaN, brokerLoad = Number.NaN] = await loadOf([ours, theirs], windowMs)
    const [sockets, rssMiB] = await Promise.all([socketsOf(process.pid), residentMiB(ours)])
    const commands = await commandRates(broker.url, windowMs / 2)

    const { ms: handledMs } = await ask(process, { type: 'publish', perTopic: 1 }, 'handled')
    const perTopic = Math.ceil(sizes.deliveries / (shape.topics * shape.groups))
    const before = await Promise.all([ours, theirs].map(processorSeconds))
    const { handled } = await ask(process, { type: 'publish', perTopic }, 'handled')
    const after = await Promise.all([ours, theirs].map(processorSeconds))
    const [clientMicros = Number.NaN, brokerMicros = Number.NaN] = after.map(
      (seconds, index) => ((seconds - (before[index] ?? Number.NaN)) / handled) * 1e6,
    )
    const brokerPercent = brokerLoad - base
    const costs = { clientPercent, brokerPercent, clientMicros, brokerMicros }
    process.send({ type: 'leave' } satisfies Order)
    return { ...costs, sockets, rssMiB, commands, subscribedMs, handledMs }
  } finally {
    await process.stop()
  }
}

/** Creates the topics and groups a few at a time, because brokers refuse too many at once. */
async function declare({ url, topics, groups }: Job): Promise<void> {
  const queue = await openQueue(url)
  try {
    const left = topics.flatMap((topic) => groups.map((group) => ({ topic, group })))
    const declarer = async (): Promise<void> => {
      for (let next = left.pop(); next !== undefined; next = left.pop())
        await queue.declareGroup(next.topic, next.group)
    }
    await Promise.all(Array.from({ length: 8 }, declarer))
  } finally {
    await queue.disconnect()
  }
}

type Answer<Type extends Said['type']> = Extract<Said, { type: Type }>

async function ask<Type extends Said['type']>(process: Child<Said>, order: Order, type: Type): Promise<Answer<Type>> {
  const before = process.reported().length
  process.send(order)
  return await answer(process, type, before)
}

async function answer<Type extends Said['type']>(process: Child<Said>, type: Type, from = 0): Promise<Answer<Type>> {
  const isIt = (said: Said): said is Answer<Type> => said.type === type
  const all = await process.waitFor((said) => said.slice(from).some(isIt), {
    what: `a process to report that it has ${type}`,
    timeoutMs: answerMs,
  })
  return all.slice(from).find(isIt) as Answer<Type>
}
