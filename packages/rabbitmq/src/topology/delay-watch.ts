import { randomUUID } from 'node:crypto'
import { MqError } from '@mq/core/adapter'
import type { Channel, ChannelModel, Message } from 'amqplib'
import { isBlocked } from '../connection/answers.js'
import { onChannel } from '../connection/channels.js'
import { type DelayStep, routeThrough, stepMs } from './delays.js'
import type { Namespace } from './names.js'
import { declareProbes, declareTemporary, probePattern } from './topology.js'

export interface DelayWatchParts {
  readonly names: Namespace
  /** Returns the delay queues that this process uses. */
  readonly used: () => Iterable<DelayStep>
  /** Called if one of them is missing at the broker. */
  readonly onMissing: () => void
  /** Returns the connection for publishing. */
  readonly connection: () => ChannelModel | undefined
  readonly report: (error: MqError) => void
  readonly everyMs?: number
  /** A delay queue stands still if no probe has left it for this long after it was due. */
  readonly lateMs?: number
}

/** Retries use the delay queues up to this time, and a longer one could not be judged in time. */
const maxWatchedMs = 52_000

/** The most probes of one round. More delay queues take turns. */
const maxProbes = 16

/**
 * Creates the watch over the delay queues. It sends a probe through each that this process uses, because RabbitMQ does not say
 * whether messages leave a queue at their time.
 */
export function createDelayWatch(parts: DelayWatchParts) {
  const { names, everyMs = 30_000, lateMs = 90_000 } = parts
  const id = randomUUID()
  const queue = names.probe(id)
  /** By the name of the delay queue, the one whose turn is next first. */
  const watched = new Map<string, DelayStep>()
  /** The time at which the first probe of a delay queue was sent since one arrived. */
  const waitingSince = new Map<string, number>()
  const late = new Set<string>()
  let last: ChannelModel | undefined
  let isUnderWay = false
  let timer: NodeJS.Timeout | undefined

  async function look(channel: Channel): Promise<void> {
    await declareProbes(channel, names)
    await declareTemporary(channel, queue)
    await channel.bindQueue(queue, names.due, probePattern(id))
    for (;;) {
      const probe = await channel.get(queue, { noAck: true })
      if (probe === false) break
      settle(probe)
    }
    judge()
    // A delay queue that is missing holds nothing, and is declared by the next message that needs it.
    channel.on('return', (probe) => {
      settle(probe)
      watched.delete(probe.content.toString())
      parts.onMissing()
    })
    // Those that are late come first, so that their recovery is seen soon.
    const turns = [...watched].sort(([one], [other]) => Number(late.has(other)) - Number(late.has(one)))
    for (const [name, step] of turns.slice(0, maxProbes)) {
      watched.delete(name)
      watched.set(name, step)
      if (!waitingSince.has(name)) waitingSince.set(name, performance.now())
      const routingKey = `${routeThrough(step, 'probe').routingKey}.${id}`
      channel.publish(names.delays(step.lane, step.digit), routingKey, Buffer.from(name), { mandatory: true })
    }
    // Its answer comes after the returned probes.
    await channel.checkQueue(queue)
  }

  function settle({ content }: Message): void {
    const name = content.toString()
    waitingSince.delete(name)
    late.delete(name)
  }

  function judge(): void {
    const now = performance.now()
    const dueMs = (name: string): number => stepMs(watched.get(name) as DelayStep) + lateMs
    const found = [...waitingSince].filter(([name, since]) => !late.has(name) && now - since > dueMs(name))
    if (found.length === 0) return
    for (const [name] of found) late.add(name)
    const text = `Delayed messages and retries stand still at RabbitMQ: nothing has left ${[...late].sort().join(', ')}`
    const advice = 'see "Delays that stand still" in the README of @mq/rabbitmq'
    parts.report(new MqError('MQ_OPERATION_FAILED', `${text} for ${Math.round(lateMs / 1_000)} s; ${advice}`))
  }

  async function round(): Promise<void> {
    const connection = parts.connection()
    for (const step of parts.used()) {
      const name = names.delay(step)
      if (stepMs(step) <= maxWatchedMs && !watched.has(name)) watched.set(name, step)
    }
    if (isUnderWay || watched.size === 0 || connection === undefined || isBlocked(connection)) return
    // The queue of the probes ended with the earlier connection.
    if (connection !== last) waitingSince.clear()
    last = connection
    isUnderWay = true
    try {
      await onChannel(connection, 'Watching the delays', look)
    } catch {
      // Without an answer there is no verdict. Others report what is wrong with the connection.
      waitingSince.clear()
    } finally {
      isUnderWay = false
    }
  }

  return {
    /** True while messages do not leave a delay queue at their time. */
    get isLate(): boolean {
      return late.size > 0
    },
    start(): void {
      timer ??= setInterval(() => void round(), everyMs).unref()
    },
    stop: (): void => clearInterval(timer),
  }
}
