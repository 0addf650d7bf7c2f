import {
  type Adapter,
  type AdapterEvent,
  type Capabilities,
  type GroupRef,
  MqError,
  type OutgoingMessage,
  type PublishCall,
  type QueueStats,
  type StoreOutcome,
} from '@mq/core/adapter'
import type { Channel, ChannelModel } from 'amqplib'
import { answerTimeoutMs, declareOn, isBlocked, onChannel } from './connection/connection.js'
import { operationError, reply, replyCode } from './connection/errors.js'
import { createLink, type Link } from './connection/link.js'
import { createConsumer, type SupervisedConsumer } from './consume/consumer.js'
import { deadLetterStore } from './dead-letters/store.js'
import { type RabbitmqOptions, type Settings, settingsOf } from './options.js'
import { createCopier } from './publish/copies.js'
import { createOutbox } from './publish/outbox.js'
import { Parcel, type ParcelContent, type Sent } from './publish/parcel.js'
import { createDeclarations, type Need } from './topology/declarations.js'
import { delayRoute, maxDelayMs } from './topology/delays.js'
import { createLocks } from './topology/locks.js'
import { encode } from './wire/wire.js'

/**
 * The adapter for RabbitMQ 3.10 and later.
 * Throws a `TypeError`, `MQ_INVALID_URL`, `MQ_INVALID_NAME` or `MQ_INVALID_OPTION`.
 */
export function rabbitmq(options: RabbitmqOptions = {}): Adapter {
  const settings = settingsOf(options)
  const { names } = settings
  const listeners = new Set<(event: AdapterEvent) => void>()
  const consumers = new Set<SupervisedConsumer>()
  const needs = new Map<string, Need>()
  let state: 'new' | 'open' | 'closed' = 'new'
  let lastError: MqError | undefined
  let announced: 'connected' | 'reconnecting' = 'connected'
  let disconnected: Promise<void> | undefined

  const report = (event: AdapterEvent): void => {
    if (event.type === 'error') lastError = event.error
    for (const listener of listeners) listener(event)
  }
  const reportError = (error: MqError, ref?: GroupRef): void => report({ type: 'error', error, ...(ref && { ...ref }) })

  const declarations = createDeclarations(settings)
  const outbox = createOutbox(declarations, reportError)
  const publishing = createLink(settings, 'publish', {
    ...listenerFor(() => outbox.linkDown()),
    up(connection) {
      outbox.linkUp(connection)
      announce()
    },
    blocked: (reason) => report({ type: 'blocked', blocked: reason !== undefined, ...(reason && { reason }) }),
  })
  const consuming = createLink(settings, 'consume', {
    ...listenerFor(() => undefined),
    up: () => announce(),
    // The broker blocks only connections that publish.
    blocked: () => undefined,
  })
  const copy = createCopier({
    names,
    outbox,
    report: reportError,
    restore: (ref) => declaring(ref),
  })
  const locks = createLocks(names)

  function listenerFor(onDown: () => void) {
    return {
      down(error: MqError): void {
        onDown()
        lastError = error
        announce(error)
      },
      retryFailed(error: MqError): void {
        lastError = error
      },
    }
  }

  /** One state for both connections: connected when each that was opened stands. */
  function announce(error?: MqError): void {
    const isDown = [publishing, consuming].some((link) => link.isOpen && link.connection === undefined)
    const now = isDown ? 'reconnecting' : 'connected'
    if (now === announced) return
    announced = now
    report({ type: 'state', state: now, ...(error && { error }) })
  }

  function requireOpen(): void {
    if (state === 'new') throw new MqError('MQ_NOT_CONNECTED', 'The adapter is not connected')
    if (state === 'closed') throw new MqError('MQ_CLOSED', 'The adapter was disconnected')
  }

  /** A blocked publisher is not listened to, in whatever it asks. */
  async function heard(): Promise<ChannelModel> {
    if (consuming.connection !== undefined) return consuming.connection
    const publisher = await publishing.up(answerTimeoutMs)
    return isBlocked(publisher) ? consuming.up(answerTimeoutMs) : publisher
  }

  async function asking<T>(
    what: string,
    work: (channel: Channel) => Promise<T>,
    on: typeof onChannel = onChannel,
  ): Promise<T> {
    requireOpen()
    try {
      return await on(await heard(), what, work)
    } catch (cause) {
      throw operationError(cause, what)
    }
  }

  const declaring = (ref: GroupRef): Promise<void> =>
    asking(`Declaring the group '${ref.group}'`, (channel) => declarations.declareGroup(channel, ref), declareOn)

  const needOf = (topic: string): Need => {
    const found = needs.get(topic) ?? { topic }
    needs.set(topic, found)
    return found
  }

  function addressed(
    topic: string,
    message: OutgoingMessage,
    pending: Pick<ParcelContent, 'deadline' | 'call'>,
  ): ParcelContent {
    const { delayMs = 0 } = message
    const encoded = { ...encode(message), ...pending }
    if (delayMs <= 0) return { exchange: names.topic(topic), routingKey: topic, need: needOf(topic), ...encoded }
    const { level, routingKey } = delayRoute(delayMs, names.dueTopic(topic))
    return { exchange: names.delay(level), routingKey, need: { topic, level }, ...encoded }
  }

  function publish(
    topic: string,
    messages: readonly OutgoingMessage[],
    call: PublishCall,
  ): Promise<readonly StoreOutcome[]> {
    const pending = { deadline: Date.now() + call.timeoutMs, call }
    return new Promise((resolve) => {
      const outcomes: StoreOutcome[] = new Array(messages.length)
      let open = messages.length
      if (open === 0) resolve(outcomes)
      messages.forEach((message, index) => {
        const settle = (sent: Sent): void => {
          outcomes[index] = outcomeOf(sent, message.delayMs !== undefined)
          open -= 1
          if (open === 0) resolve(outcomes)
        }
        outbox.send(new Parcel(addressed(topic, message, pending), settle))
      })
    })
  }

  async function readStats(ref: GroupRef): Promise<QueueStats> {
    const count = async (queue: string): Promise<number> => {
      try {
        return (await asking('Reading stats', (channel) => channel.checkQueue(queue))).messageCount
      } catch (error) {
        if (replyCode((error as MqError).cause) === reply.notFound) return 0
        throw error
      }
    }
    const [ready, dead] = await Promise.all([count(names.group(ref)), count(names.dead(ref))])
    // AMQP tells neither.
    return { ready, inFlight: undefined, delayed: undefined, dead }
  }

  async function disconnect(timeoutMs: number): Promise<void> {
    const endsAt = Date.now() + timeoutMs
    await Promise.all([...consumers].map((consumer) => consumer.stop({ timeoutMs })))
    await outbox.close(Math.max(0, endsAt - Date.now()))
    state = 'closed'
    await Promise.all([publishing, consuming].map((link) => link.close(Math.max(200, endsAt - Date.now()))))
  }

  return {
    name: 'rabbitmq',
    contract: 2,
    capabilities: capabilitiesOf(settings),
    async connect() {
      if (state === 'closed' || disconnected !== undefined)
        throw new MqError('MQ_CLOSED', 'The adapter was disconnected')
      await publishing.open()
      if (state === 'new') state = 'open'
    },
    disconnect({ timeoutMs }) {
      disconnected ??= disconnect(timeoutMs)
      return disconnected
    },
    async publish(topic, messages, call) {
      requireOpen()
      return publish(topic, messages, call)
    },
    declareGroup: declaring,
    deleteGroup: (ref) =>
      asking(`Deleting the group '${ref.group}'`, async (channel) => {
        declarations.forgetGroup(ref)
        await channel.deleteQueue(names.group(ref))
        await channel.deleteQueue(names.dead(ref))
      }),
    async consume(ref, consumeOptions, handle) {
      requireOpen()
      const parts = {
        ref,
        options: consumeOptions,
        handle,
        link: consuming,
        names,
        declarations,
        copy,
        locks,
        report,
        consumerTimeoutMs: settings.consumerTimeoutMs,
      }
      const consumer = createConsumer(parts)
      consumers.add(consumer)
      await consumer.ready.catch((error) => {
        consumers.delete(consumer)
        throw error
      })
      return {
        async stop(deadline) {
          await consumer.stop(deadline)
          consumers.delete(consumer)
        },
      }
    },
    deadLetters(ref) {
      return deadLetterStore({ ref, names, link: consuming, copy })
    },
    stats: readStats,
    health: () => {
      const states = [...consumers].map((consumer) => consumer.health)
      const isUp = ({ connection }: Link): boolean => connection !== undefined
      const isWhole =
        isUp(publishing) && (!consuming.isOpen || isUp(consuming)) && states.every((one) => one.status !== 'recovering')
      const status = isWhole ? 'up' : isUp(publishing) || isUp(consuming) ? 'degraded' : 'down'
      return { status, consumers: states, ...(lastError && { lastError }) }
    },
    on(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

/** For how long at most after a message's consumer is gone the broker does not know it: three silent heartbeats. */
const silentHeartbeats = 3

function capabilitiesOf({ maxMessageBytes, consumerTimeoutMs, heartbeatSeconds }: Settings): Capabilities {
  return Object.freeze({
    durable: true,
    embedded: false,
    retainsUnrouted: false,
    startFromEarliest: false,
    orderedKeys: true,
    countsCrashes: true,
    exactAttempts: false,
    delayResolutionMs: 250,
    maxDelayMs,
    // What fails at the last moment still has to be stored for its retry before the broker takes the message away.
    maxHandlerMs: Math.floor(consumerTimeoutMs * 0.95),
    maxMessageBytes,
    publishDedupeMs: 0,
    redeliveryMs: silentHeartbeats * heartbeatSeconds * 1_000,
  })
}

/** Which groups a delayed message will meet, nobody knows. */
function outcomeOf(sent: Sent, isDelayed: boolean): StoreOutcome {
  if (sent.status !== 'stored') return { status: sent.status, routed: 'unknown', error: sent.error }
  return { status: 'stored', routed: isDelayed ? 'unknown' : sent.isReturned ? 'no' : 'yes' }
}
