import { randomUUID } from 'node:crypto'
import {
  type AdapterEvent,
  type ConsumeOptions,
  type Consumer,
  type ConsumerHealth,
  type GroupRef,
  type Handle,
  isMqError,
  MqError,
  withTimeout,
} from '@mq/core/adapter'
import type { Channel, ChannelModel } from 'amqplib'
import { bounded, pause, unlessAborted } from '../connection/bounded.js'
import { answerTimeoutMs, closeChannel, declareOn, onChannel, openChannel, politely } from '../connection/connection.js'
import { operationError, reply, replyCode, textOf } from '../connection/errors.js'
import type { Link } from '../connection/link.js'
import { isBefore, versionOf } from '../connection/version.js'
import type { Copier } from '../publish/copies.js'
import type { Declarations } from '../topology/declarations.js'
import type { Locks } from '../topology/locks.js'
import type { Namespace } from '../topology/names.js'
import { declareEphemeral } from '../topology/topology.js'
import { createSession, type Session } from './session.js'

export interface ConsumerParts {
  readonly ref: GroupRef
  readonly options: ConsumeOptions
  readonly handle: Handle
  readonly link: Link
  readonly names: Namespace
  readonly declarations: Declarations
  readonly copy: Copier
  readonly locks: Locks
  readonly report: (event: AdapterEvent) => void
  /** The broker's own. */
  readonly consumerTimeoutMs: number
}

export interface SupervisedConsumer extends Consumer {
  readonly health: ConsumerHealth
  /** Resolves when messages flow for the first time. Rejects when that is refused; then it has stopped. */
  readonly ready: Promise<void>
}

/** Deliveries beyond those that are handled, with `ordered`: so many may wait for their key before others are held up. */
const orderedWindow = 256

/**
 * After this part of the broker's `consumer_timeout` an ordered session whose messages wait for their keys is ended, with all
 * that run let finish, and the next one begins with them: the broker counts from the delivery on. The rest is for those that run.
 */
const renewAfter = 0.5

/** Heals what others deleted while the connection stood: exchanges and bindings go without a word to a consumer. */
const redeclareEveryMs = 30_000

/** What the broker may take on top of a stop's deadline. */
const stopGraceMs = 4_000

const firstRetryMs = 100
const longestRetryMs = 5_000

type End =
  | { readonly by: 'channel'; readonly fault: unknown }
  | { readonly by: 'broker' }
  | { readonly by: 'age' }
  | { readonly by: 'stop' }

/** A consumer that is there again after whatever took it away, until it is stopped. */
export function createConsumer(parts: ConsumerParts): SupervisedConsumer {
  const { ref, options, link, names, declarations, report } = parts
  const queue = names.group(ref)
  const renewAfterMs = renewAfter * parts.consumerTimeoutMs
  const prefetch = options.concurrency + (options.ordered ? orderedWindow : 0)
  let status: ConsumerHealth['status'] = 'recovering'
  let wasReady = false
  let isLossReported = false
  let stopping: Promise<void> | undefined
  let stopDeadline = 0
  const stopRequest = new AbortController()
  const stopRequested = stopRequest.signal
  let becomeReady: () => void
  let refuse: (error: MqError) => void
  const ready = new Promise<void>((resolve, reject) => {
    becomeReady = resolve
    refuse = reject
  })
  const isStopping = (): boolean => stopRequested.aborted

  const supervision = supervise()

  async function supervise(): Promise<void> {
    for (let tries = 0; !isStopping(); tries++) {
      const startedAt = Date.now()
      try {
        const connection = await unlessAborted(link.up(answerTimeoutMs), stopRequested)
        if (connection === undefined) break
        await consume(connection)
      } catch (cause) {
        const error = operationError(cause, `Consuming '${ref.topic}' for '${ref.group}'`)
        if (!wasReady && !isMqError(error, 'MQ_CONNECTION_LOST')) {
          refuse(error)
          return
        }
        if (isMqError(error, 'MQ_CLOSED')) break
        if (link.connection !== undefined) report({ type: 'error', error, ...ref })
      }
      if (isStopping()) break
      status = 'recovering'
      if (Date.now() - startedAt > longestRetryMs) tries = 0
      await pause(Math.min(longestRetryMs, firstRetryMs * 2 ** tries), stopRequested)
    }
    if (!wasReady) refuse(new MqError('MQ_STOPPED', 'The consumer was stopped before messages flowed'))
  }

  /** Resolves when the stop is done, or this connection or channel gives no more messages. */
  async function consume(connection: ChannelModel): Promise<void> {
    const channel = await openChannel(connection, 'plain')
    let end!: (end: End) => void
    const ended = new Promise<End>((resolve) => {
      end = resolve
    })
    let fault: unknown
    channel.on('error', (error: unknown) => {
      fault = error
    })
    channel.on('close', () => {
      session.lose(new MqError('MQ_CONNECTION_LOST', 'The channel of this message was lost'))
      end({ by: 'channel', fault })
    })
    const session = createSession(channel, {
      ...parts,
      returnsCount: isBefore(versionOf(connection), 4, 3),
      report: (error) => report({ type: 'error', error, ...ref }),
    })
    const stop = (): void => {
      session.pause()
      end({ by: 'stop' })
    }
    stopRequested.addEventListener('abort', stop)
    if (stopRequested.aborted) stop()
    let unlock = async (): Promise<void> => undefined
    let redeclaring: NodeJS.Timeout | undefined
    let renewing: NodeJS.Timeout | undefined
    const renew = (): void => {
      if (session.waitedMs < renewAfterMs) return
      session.pause()
      if (!session.isRunning) end({ by: 'age' })
    }
    try {
      const from = await bounded(connection, prepare(connection))
      // An ephemeral group has one consumer alone.
      if (options.ordered && !options.ephemeral) {
        const held = parts.locks.hold(connection, ref, stopRequested)
        begin()
        const release = await held
        if (release === undefined) return
        unlock = release
      }
      await bounded(connection, channel.prefetch(prefetch))
      const { consumerTag } = await bounded(
        connection,
        channel.consume(from, (message) => (message === null ? end({ by: 'broker' }) : session.receive(message))),
      )
      begin()
      if (!options.ephemeral) redeclaring = setInterval(() => void redeclare(connection), redeclareEveryMs)
      if (options.ordered && !options.ephemeral) renewing = setInterval(renew, Math.min(1_000, renewAfterMs / 10))
      const how = await ended
      if (how.by === 'stop' || how.by === 'age') await finish(channel, session, consumerTag)
      else {
        status = 'recovering'
        await lose(connection, session, how)
      }
    } finally {
      clearInterval(redeclaring)
      clearInterval(renewing)
      stopRequested.removeEventListener('abort', stop)
      session.lose(new MqError('MQ_CONNECTION_LOST', 'The channel of this message was lost'))
      // Not left to the connection: when that closes, the driver forgets acknowledgements that it has not written yet. And a
      // broker that is late with its answers has handed out messages meanwhile, which come back with the channel only.
      await closeChannel(channel)
      await unlock()
    }
  }

  function begin(): void {
    if (!isStopping()) status = 'consuming'
    wasReady = true
    becomeReady()
  }

  /** Declares what there must be; resolves with the queue to consume from. */
  async function prepare(connection: ChannelModel): Promise<string> {
    if (options.ephemeral) {
      if (wasReady) reportLoss('an ephemeral subscription had no connection for a while')
      const own = `${names.ephemeral(ref)}--${randomUUID()}`
      await declareOn(connection, 'Declaring an ephemeral group', async (channel) => {
        await declarations.declareTopic(channel, ref.topic)
        await declareEphemeral(channel, names, { topic: ref.topic, queue: own })
      })
      return own
    }
    if (wasReady && !isLossReported && (await isMissing(connection))) reportLoss('the queue of the group was deleted')
    await declare(connection)
    isLossReported = false
    return queue
  }

  /** Ends the intake, then the session; the channel is closed after that. */
  async function finish(channel: Channel, session: Session, consumerTag: string): Promise<void> {
    const endsAt = Date.now() + stopDeadline
    // The next holder of an ordered group waits for its consumer to be gone: only with the channel its messages are back, too.
    const isLeft = options.ordered && !options.ephemeral
    const tell = async (): Promise<unknown> => isLeft || politely(() => channel.cancel(consumerTag))
    await session.cancel(prefetch, tell)
    await session.stop(Math.max(0, endsAt - Date.now()))
  }

  async function lose(connection: ChannelModel, session: Session, end: End): Promise<void> {
    if (end.by === 'channel') {
      if (end.fault === undefined) return
      const text = `RabbitMQ ended the consumer of '${ref.topic}' for '${ref.group}': ${textOf(end.fault)}`
      report({ type: 'error', error: new MqError('MQ_OPERATION_FAILED', text, { cause: end.fault }), ...ref })
      return
    }
    // Since 4.3 the broker also cancels a consumer whose message has been out for too long.
    if (!isBefore(versionOf(connection), 4, 3) && !(await isMissing(connection))) return
    session.lose(new MqError('MQ_OWNERSHIP_LOST', 'The group was deleted'))
    reportLoss('the queue of the group was deleted under its consumer')
    isLossReported = true
  }

  const reportLoss = (reason: string): void => report({ type: 'data-loss', ...ref, reason })

  async function isMissing(connection: ChannelModel): Promise<boolean> {
    try {
      await onChannel(connection, 'Looking for a queue', (channel) => channel.checkQueue(queue))
      return false
    } catch (error) {
      return replyCode(error) === reply.notFound
    }
  }

  const declare = (connection: ChannelModel): Promise<void> =>
    declareOn(connection, 'Declaring a group', (channel) => declarations.declareGroup(channel, ref))

  async function redeclare(connection: ChannelModel): Promise<void> {
    try {
      await declare(connection)
    } catch (cause) {
      if (link.connection === connection) report({ type: 'error', error: operationError(cause, 'Declaring'), ...ref })
    }
  }

  return {
    ready,
    get health() {
      return { ...ref, status }
    },
    stop({ timeoutMs }) {
      if (stopping === undefined) {
        status = 'stopping'
        stopDeadline = timeoutMs
        stopRequest.abort()
        // A broker that does not answer may hold it up in the middle of declaring.
        stopping = withTimeout(supervision, timeoutMs + stopGraceMs, () => new Error('It goes on by itself')).catch(
          () => undefined,
        )
      }
      return stopping
    },
  }
}
