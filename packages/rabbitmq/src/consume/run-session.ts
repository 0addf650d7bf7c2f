import { type ConsumeOptions, type GroupRef, type Handle, MqError, type TargetRef } from '@mq/core/adapter'
import type { Channel, ChannelModel } from 'amqplib'
import { answerFrom, inTime } from '../connection/answers.js'
import { cancelConsumer } from '../connection/cancel.js'
import { closeChannel, openChannel } from '../connection/channels.js'
import { politely } from '../connection/close.js'
import { anyExchange, countsOf } from '../connection/counts.js'
import { textOf } from '../connection/errors.js'
import { clusterOf, isBefore, versionOf } from '../connection/version.js'
import { pause } from '../connection/waiting.js'
import type { Copier } from '../wire/copy.js'
import { createFinished } from './finished.js'
import type { PauseGate } from './pause-gate.js'
import { createSession, type Session } from './session.js'
import type { Source, SourceQueue } from './source-queue.js'

export interface RunSessionParts {
  readonly ref: GroupRef
  /** The group with its foreign place, if it has one. */
  readonly target: TargetRef
  readonly options: ConsumeOptions
  readonly handle: Handle
  readonly copy: Copier
  readonly queue: SourceQueue
  /** The group's own queue. */
  readonly ownQueue: string
  /** Names the queue among all queues of its broker. */
  readonly place: string
  readonly gate: PauseGate
  readonly stopRequested: AbortSignal
  /** The time that running handlers get to finish after a stop was requested. */
  readonly stopTimeoutMs: () => number
  readonly lostAfterStallMs: () => number | undefined
  readonly onInterrupted: () => void
  readonly report: (error: MqError) => void
}

export type End =
  | { readonly by: 'channel'; readonly fault: unknown }
  | { readonly by: 'broker' }
  /** Once no handler runs, the messages that wait are to be taken anew. */
  | { readonly by: 'renewal' }
  /** The group is paused, and no handler runs any more. */
  | { readonly by: 'pause' }
  | { readonly by: 'stop' }

/** How often a session of a paused group looks whether its handlers have ended. */
const quietMs = 20

/** How long a session of a paused group may wait until its slots are filled. */
const maxFillMs = 3_000

/** How long a session of a paused group may take to give back what it has not started. */
export const givingBackMs = 10_000

/** Controls a session while it consumes. */
export interface Control {
  readonly session: Session
  /** Consumes another queue. */
  readonly consume: (source: Source) => Promise<void>
  readonly end: (end: End) => void
}

export interface Plan {
  readonly sources: readonly Source[]
  /** For each queue. */
  readonly prefetch: number
  /** The most messages without an answer, of all queues. */
  readonly maxUnsettled: number
  /**
   * A queue of an ordered group has another consumer later, who waits until no consumer is left. A cancelled one would be gone before its
   * messages are back, so this one goes with its channel.
   */
  readonly endsWithChannel: boolean
  /** Moves the messages to this queue of ours instead of handling them. */
  readonly moveTo?: (key: string | undefined) => string
  /** Called when messages flow. Returns the function that ends what it began. */
  readonly onConsuming?: (control: Control) => () => Promise<void>
}

/** Consumes over a channel of its own. Resolves when a stop is done, or when the channel gives no more messages. */
export async function runSession(connection: ChannelModel, parts: RunSessionParts, plan: Plan): Promise<End> {
  const { queue } = parts
  const { moveTo, prefetch } = plan
  const channel = await openChannel(connection, 'plain')
  const session = createSession(channel, {
    ...parts,
    ref: parts.target,
    ...(moveTo && { moveTo }),
    finished: createFinished(
      `${clusterOf(connection)} ${parts.place}${moveTo === undefined ? '' : ' moved'}`,
      plan.maxUnsettled,
    ),
    requeueCountsAsAttempt: isBefore(versionOf(connection), 4, 3),
  })
  const ended = untilEnded(channel, session, parts.stopRequested)
  const tags: string[] = []
  const consumed: Source[] = []
  let cleanUp = async (): Promise<void> => undefined

  async function consume(source: Source): Promise<void> {
    const consuming = channel.consume(source.queue, (message) =>
      message === null ? ended.end({ by: 'broker' }) : session.receive(message, source),
    )
    tags.push((await answerFrom(connection, consuming)).consumerTag)
    consumed.push(source)
  }

  async function stop(timeoutMs: number): Promise<void> {
    const endsAt = performance.now() + timeoutMs
    const cancel = async (): Promise<unknown> =>
      plan.endsWithChannel || politely(() => Promise.all(tags.map((tag) => cancelConsumer(channel, tag))))
    await session.end(plan.maxUnsettled, cancel)
    await session.stop(Math.max(0, endsAt - performance.now()))
  }

  async function onInterrupted(how: End): Promise<void> {
    if (how.by === 'broker') {
      // The roster holds nothing that could be lost.
      const loss = await queue.lossByCancel(connection, moveTo === undefined ? consumed : [])
      if (loss !== undefined) session.lose(loss)
    } else if (how.by === 'channel' && how.fault !== undefined) {
      const { topic, group } = parts.ref
      const text = `RabbitMQ ended the consumer of '${topic}' for '${group}': ${textOf(how.fault)}`
      parts.report(new MqError('MQ_OPERATION_FAILED', text, { cause: how.fault }))
    }
  }

  // Moving messages to their shares is no handling.
  const stopObeying = moveTo === undefined ? obey(parts.gate, session, ended.end) : () => undefined
  try {
    await answerFrom(connection, channel.prefetch(prefetch))
    for (const source of plan.sources) await consume(source)
    cleanUp = plan.onConsuming?.({ session, consume, end: ended.end }) ?? cleanUp
    const how = await ended.promise
    if (how.by === 'stop' || how.by === 'renewal') await stop(parts.stopTimeoutMs())
    else if (how.by === 'pause') {
      if (!plan.endsWithChannel)
        await untilFilled(channel, session, { sources: consumed, prefetch }).catch(() => undefined)
      await stop(givingBackMs)
    } else {
      parts.onInterrupted()
      await onInterrupted(how)
    }
    return how
  } finally {
    stopObeying()
    ended.stopListening()
    session.lose(channelLost())
    await cleanUp()
    // Before the connection closes: the driver would forget acknowledgements that it has not written. A broker that answered late
    // may also have delivered messages meanwhile, and returns them only when the channel closes.
    await closeChannel(channel)
  }
}

/**
 * Waits until each queue is empty or has filled its slots. A message that the broker has assigned when its consumer is cancelled is never
 * sent, and counts as delivered. A count is answered behind what was assigned before it, and that is sent before the next answer.
 */
async function untilFilled(
  channel: Channel,
  session: Session,
  { sources, prefetch }: { readonly sources: readonly Source[]; readonly prefetch: number },
): Promise<void> {
  const endsAt = performance.now() + maxFillMs
  for (const { queue } of sources) {
    for (;;) {
      const { messageCount } = await countsOf(channel, queue)
      await inTime(channel.checkExchange(anyExchange))
      if (messageCount === 0 || session.heldOf(queue) >= prefetch || performance.now() > endsAt) break
      await pause(quietMs)
    }
  }
}

/**
 * Lets a session start nothing while its group is paused, and ends it once no handler runs. Until then it keeps what it has not started,
 * as nobody else would get it, and goes on if the pause ends. Returns the function that ends this.
 */
function obey(gate: PauseGate, session: Session, end: (end: End) => void): () => void {
  let timer: NodeJS.Timeout | undefined
  function look(): void {
    clearInterval(timer)
    if (gate.paused === undefined) {
      session.resume()
      return
    }
    session.suspend()
    timer = setInterval(() => {
      if (!session.isRunning) end({ by: 'pause' })
    }, quietMs)
  }
  const stopListening = gate.onChange(look)
  look()
  return () => {
    stopListening()
    clearInterval(timer)
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

const channelLost = (): MqError => new MqError('MQ_CONNECTION_LOST', 'The channel of this message was lost')
