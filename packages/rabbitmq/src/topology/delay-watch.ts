import { randomUUID } from 'node:crypto'
import { MqError } from '@mq/core/adapter'
import type { Channel, ChannelModel, Message } from 'amqplib'
import { isBlocked } from '../connection/answers.js'
import { onChannel } from '../connection/channels.js'
import { delayRoute, levelMs } from './delays.js'
import type { Namespace } from './names.js'
import { declareProbes, declareTemporary, probePattern } from './topology.js'

export interface DelayWatchParts {
  readonly names: Namespace
  /** Returns how many delay levels are declared. */
  readonly declaredLevels: () => number
  /** Returns the connection for publishing. */
  readonly connection: () => ChannelModel | undefined
  readonly report: (error: MqError) => void
  readonly everyMs?: number
  /** A delay queue stands still if no probe has left it for this long after it was due. */
  readonly lateMs?: number
}

/** The levels up to 51 s. Retries use these, and a longer one could not be judged in time. */
const maxWatched = 10

/**
 * Creates the watch over the delay queues. It sends a probe through each that this process uses, because RabbitMQ does not say
 * whether messages leave a queue at their time.
 */
export function createDelayWatch(parts: DelayWatchParts) {
  const { names, everyMs = 30_000, lateMs = 90_000 } = parts
  const id = randomUUID()
  const queue = names.probe(id)
  /** The time at which the first probe of a level was sent since one arrived. */
  const waitingSince = new Map<number, number>()
  const late = new Set<number>()
  let watched = 0
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
    channel.on('return', settle)
    for (let level = 0; level < watched; level++) {
      if (!waitingSince.has(level)) waitingSince.set(level, performance.now())
      const routingKey = `${delayRoute(levelMs(level), 'probe').routingKey}.${id}`
      channel.publish(names.delay(level), routingKey, Buffer.from(String(level)), { mandatory: true })
    }
    // Its answer comes after the returned probes.
    await channel.checkQueue(queue)
  }

  function settle({ content }: Message): void {
    const level = Number(content.toString())
    waitingSince.delete(level)
    late.delete(level)
  }

  function judge(): void {
    const now = performance.now()
    const found = [...waitingSince].filter(
      ([level, since]) => !late.has(level) && now - since > levelMs(level) + lateMs,
    )
    if (found.length === 0) return
    for (const [level] of found) late.add(level)
    const queues = [...late].sort((a, b) => a - b).map((level) => names.delay(level))
    const text = `Delayed messages and retries stand still at RabbitMQ: nothing has left ${queues.join(', ')}`
    const advice = 'see "Delays that stand still" in the README of @mq/rabbitmq'
    parts.report(new MqError('MQ_OPERATION_FAILED', `${text} for ${Math.round(lateMs / 1_000)} s; ${advice}`))
  }

  async function round(): Promise<void> {
    const connection = parts.connection()
    watched = Math.max(watched, Math.min(parts.declaredLevels(), maxWatched))
    if (isUnderWay || watched === 0 || connection === undefined || isBlocked(connection)) return
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
