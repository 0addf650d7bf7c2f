import { type ConsumeOptions, type GroupRef, type Handle, MqError, type TargetRef } from '@mq/core/adapter'
import type { Channel, ChannelModel } from 'amqplib'
import { answerFrom } from '../connection/answers.js'
import { keepChannels } from '../connection/channel-budget.js'
import { closeChannel, openChannel } from '../connection/channels.js'
import { politely } from '../connection/close.js'
import { textOf } from '../connection/errors.js'
import { clusterOf, isBefore, versionOf } from '../connection/version.js'
import { foreignQueueOf } from '../topology/foreign.js'
import type { Locks } from '../topology/locks.js'
import type { Copier } from '../wire/copy.js'
import { createFinished } from './finished.js'
import { createSession, type Session } from './session.js'
import type { SourceQueue } from './source-queue.js'

export interface ConsumeOnParts {
  readonly ref: GroupRef
  /** The group with its foreign place, if it has one. */
  readonly target: TargetRef
  readonly options: ConsumeOptions
  readonly handle: Handle
  readonly copy: Copier
  readonly locks: Locks
  /** The value of `consumer_timeout` at the broker. */
  readonly consumerTimeoutMs: number
  readonly queue: SourceQueue
  /** The group's own queue. */
  readonly ownQueue: string
  /** Names the queue among all queues of its broker. */
  readonly place: string
  readonly stopRequested: AbortSignal
  /** The time that running handlers get to finish after a stop was requested. */
  readonly stopTimeoutMs: () => number
  readonly wasReady: () => boolean
  readonly lostAfterStallMs: () => number | undefined
  /** Called when messages flow, or when the consumer of an ordered group stands by. */
  readonly onReady: () => void
  readonly onInterrupted: () => void
  readonly report: (error: MqError) => void
}

/** The number of deliveries beyond `concurrency` that may wait for their key with `ordered`. Further ones are not fetched. */
const orderedWindow = 256

/**
 * The part of the broker's `consumer_timeout` after which an ordered session ends if its messages wait for their keys. The broker
 * counts from the delivery on. Running handlers finish in the rest of that time, and the next session takes the messages anew.
 */
const renewAfter = 0.5

/** Other programs may delete exchanges and bindings, of which a consumer gets no notice. */
const redeclareEveryMs = 30_000

type End =
  | { readonly by: 'channel'; readonly fault: unknown }
  | { readonly by: 'broker' }
  | { readonly by: 'age' }
  | { readonly by: 'stop' }

/** Consumes over one connection. Resolves when a stop is done, or when its channel gives no more messages. */
export async function consumeOn(connection: ChannelModel, parts: ConsumeOnParts): Promise<void> {
  const { options, queue, stopRequested, onReady } = parts
  const isOrderedGroup = options.ordered && !options.ephemeral
  const prefetch = options.concurrency + (options.ordered ? orderedWindow : 0)
  // The broker counts for each queue.
  const maxUnsettled = foreignQueueOf(parts.target) === undefined ? prefetch : 2 * prefetch
  // An ordered group has a channel for its lock.
  const giveChannelsBack = keepChannels(connection, isOrderedGroup ? 2 : 1, subscriptionOf(parts.ref))
  const channel = await openChannel(connection, 'plain').catch((error) => {
    giveChannelsBack()
    throw error
  })
  const session = createSession(channel, {
    ...parts,
    ref: parts.target,
    finished: createFinished(`${clusterOf(connection)} ${parts.place}`, maxUnsettled),
    requeueCountsAsAttempt: isBefore(versionOf(connection), 4, 3),
  })
  const ended = untilEnded(channel, session, stopRequested)
  const timers: NodeJS.Timeout[] = []
  let unlock = async (): Promise<void> => undefined
  try {
    const sources = await answerFrom(connection, queue.prepare(connection, { wasReady: parts.wasReady() }))
    if (isOrderedGroup) {
      const holding = parts.locks.hold(connection, parts.ref, stopRequested)
      onReady()
      const release = await holding
      if (release === undefined) return
      unlock = release
    }
    await answerFrom(connection, channel.prefetch(prefetch))
    const tags: string[] = []
    for (const source of sources) {
      const consuming = channel.consume(source.queue, (message) =>
        message === null ? ended.end({ by: 'broker' }) : session.receive(message, source),
      )
      tags.push((await answerFrom(connection, consuming)).consumerTag)
    }
    onReady()
    if (!options.ephemeral) timers.push(setInterval(() => void queue.redeclare(connection), redeclareEveryMs))
    if (isOrderedGroup) timers.push(renewing(session, renewAfter * parts.consumerTimeoutMs, ended.end))
    const how = await ended.promise
    if (how.by === 'stop' || how.by === 'age') {
      // The next holder of an ordered group waits until no consumer is left. A cancelled one would be gone before its messages are
      // back, so this one goes with its channel.
      const cancel = async (): Promise<unknown> =>
        isOrderedGroup || politely(() => Promise.all(tags.map((tag) => channel.cancel(tag))))
      await stop(cancel)
    } else {
      parts.onInterrupted()
      await onInterrupted(how)
    }
  } finally {
    for (const timer of timers) clearInterval(timer)
    ended.stopListening()
    session.lose(channelLost())
    // Before the connection closes: the driver would forget acknowledgements that it has not written. A broker that answered late
    // may also have delivered messages meanwhile, and returns them only when the channel closes.
    await closeChannel(channel)
    await unlock()
    giveChannelsBack()
  }

  async function stop(cancel: () => Promise<unknown>): Promise<void> {
    const endsAt = performance.now() + parts.stopTimeoutMs()
    await session.end(prefetch, cancel)
    await session.stop(Math.max(0, endsAt - performance.now()))
  }

  async function onInterrupted(how: End): Promise<void> {
    if (how.by === 'broker') {
      const loss = await queue.lossByCancel(connection)
      if (loss !== undefined) session.lose(loss)
    } else if (how.by === 'channel' && how.fault !== undefined) {
      const { topic, group } = parts.ref
      const text = `RabbitMQ ended the consumer of '${topic}' for '${group}': ${textOf(how.fault)}`
      parts.report(new MqError('MQ_OPERATION_FAILED', text, { cause: how.fault }))
    }
  }
}

/** Listens for the first reason to end a session: a lost channel or a stop. `end` adds others. */
function untilEnded(channel: Channel, session: Session, stopRequested: AbortSignal) {
  let end!: (end: End) => void
  const promise = new Promise<End>((resolve) => {
    end = resolve
  })
  let fault: unknown
  channel.on('error', (error: unknown) => {
    fault = error
  })
  channel.on('close', () => {
    session.lose(channelLost())
    end({ by: 'channel', fault })
  })
  const stop = (): void => {
    session.pause()
    end({ by: 'stop' })
  }
  stopRequested.addEventListener('abort', stop)
  if (stopRequested.aborted) stop()
  return { promise, end, stopListening: () => stopRequested.removeEventListener('abort', stop) }
}

/** Ends the session once a message has waited for its key for that long and no handler runs. */
function renewing(session: Session, afterMs: number, end: (end: End) => void): NodeJS.Timeout {
  const check = (): void => {
    if (session.waitedMs < afterMs) return
    session.pause()
    if (!session.isRunning) end({ by: 'age' })
  }
  return setInterval(check, Math.min(1_000, afterMs / 10))
}

const subscriptionOf = ({ topic, group }: GroupRef): string => `The subscription to '${topic}' for '${group}'`

const channelLost = (): MqError => new MqError('MQ_CONNECTION_LOST', 'The channel of this message was lost')
