import {
  Fifo,
  MqError,
  type PendingCall,
  type PublishLimits,
  pendingPublishes,
  type StoreOutcome,
} from '@mq/core/adapter'
import type { ChannelModel } from 'amqplib'
import { isClosedDriver, reply, replyCode, textOf } from '../connection/errors.js'
import type { Declarations } from '../topology/declarations.js'
import { InFlight } from './in-flight.js'
import { type Letter, Parcel } from './parcel.js'
import { createPreparation } from './preparation.js'
import { PublishChannel } from './publish-channel.js'

// See docs/decisions/0032-rabbitmq-connections.md.

/** The most messages without an answer. More wait here, and core limits how many. */
const maxInFlight = 4_096

const noLimits: PublishLimits = { timeoutMs: Number.POSITIVE_INFINITY }

/**
 * Sends messages in order; the broker confirms each. If a channel or connection ends, the messages in flight are sent again before
 * all others, with the same id. Their time limit goes on meanwhile.
 */
export function createOutbox(declarations: Declarations, report: (error: MqError) => void) {
  const inFlight = new InFlight()
  /** Messages that the broker refused, and that are sent again soon, with their timers. */
  const backingOff = new Map<Parcel, NodeJS.Timeout>()
  const closing = new AbortController()
  const closingSignal: AbortSignal = closing.signal
  const waiting = new Fifo<Parcel>()
  const channel = new PublishChannel({
    onReady: pump,
    onAnswer,
    onReturn: (message) => inFlight.markReturned(message),
    onLost,
  })
  const connection = (): ChannelModel | undefined => channel.connection
  const preparation = createPreparation({ declarations, waiting, connection, onEnd: pump })
  const pending = pendingPublishes<Parcel>({ late: (parcel) => ({ why: whyLate(parcel) }), onSweep })

  function enqueue(parcel: Parcel): void {
    waiting.push(parcel)
    pump()
  }

  function pump(): void {
    while (channel.canSend && inFlight.size < maxInFlight && !preparation.isUnderWay) {
      const parcel = waiting.first
      if (parcel === undefined) return
      if (!parcel.isSettled && !declarations.isReady(parcel.letter.need)) {
        void preparation.start(parcel.letter.need)
        return
      }
      if (!parcel.isSettled && !inFlight.admits(parcel)) return
      waiting.shift()
      if (!parcel.isSettled) transmit(parcel)
    }
  }

  function transmit(parcel: Parcel): void {
    parcel.isReturned = false
    inFlight.add(parcel)
    try {
      channel.send(parcel)
      parcel.maybeStored = true
    } catch (error) {
      inFlight.delete(parcel)
      // Otherwise a part of it does not fit a frame.
      if (!isClosedDriver(error)) parcel.refuse(error, { isImpossible: true })
      else {
        waiting.unshift(parcel)
        channel.lose()
      }
    }
  }

  function onAnswer(parcel: Parcel, error: unknown): void {
    if (!inFlight.delete(parcel)) return
    if (error) onRefused(parcel, error)
    else if (parcel.isReturned && parcel.isDelayed) onDelayQueueMissing(parcel)
    else parcel.store()
    channel.renewIfDrained(inFlight.size === 0)
    if (waiting.length > 0) pump()
  }

  function onRefused(parcel: Parcel, error: unknown): void {
    const delayMs = parcel.countNack()
    if (delayMs === undefined) {
      parcel.giveUp(`RabbitMQ refused it (${textOf(error)}): a queue is full or unavailable`, error)
      return
    }
    const sendAgain = (): void => {
      backingOff.delete(parcel)
      if (!parcel.isSettled) enqueue(parcel)
    }
    backingOff.set(parcel, setTimeout(sendAgain, delayMs))
    channel.renewAfter(parcel.nacks)
  }

  /** The exchange of its delay exists, but the queue or its binding does not. */
  function onDelayQueueMissing(parcel: Parcel): void {
    declarations.reset()
    if (!parcel.countFailure()) enqueue(parcel)
    else parcel.refuse(new Error('the queue for its delay is missing, although it was declared again'))
  }

  function onLost(fault: unknown): void {
    if (fault !== undefined) onFault(fault)
    for (const parcel of inFlight.clear().reverse()) waiting.unshift(parcel)
  }

  function onFault(fault: unknown): void {
    // An exchange is missing, so all are declared again.
    if (replyCode(fault) === reply.notFound) declarations.reset()
    if (inFlight.fail(fault)) return
    const text = `RabbitMQ ended the channel for publishing: ${textOf(fault)}`
    report(new MqError('MQ_OPERATION_FAILED', text, { cause: fault }))
  }

  function onSweep(): void {
    inFlight.dropSettled()
    while (waiting.first?.isSettled === true) waiting.shift()
    channel.renewIfDrained(inFlight.size === 0)
    pump()
  }

  function whyLate(parcel: Parcel): string {
    if (inFlight.has(parcel)) return 'RabbitMQ gave no answer in time'
    if (backingOff.has(parcel)) return 'RabbitMQ refused it until now'
    return channel.isOpen ? 'RabbitMQ took no message in time' : 'there was no connection to RabbitMQ in time'
  }

  function post(letter: Letter, call: PendingCall, index: number): Parcel {
    const parcel = new Parcel(letter, call, index)
    enqueue(parcel)
    return parcel
  }

  return {
    /** Sends messages and resolves with their outcomes. Calls `letterAt` for each of them. */
    send: (limits: PublishLimits, count: number, letterAt: (index: number) => Letter) =>
      pending.add(limits, count, (call, index) => post(letterAt(index), call, index)),
    /** Sends a message without a time limit. */
    sendOne(letter: Letter): SentParcel {
      let parcel: Parcel | undefined
      const outcomes = pending.add(noLimits, 1, (call, index) => {
        parcel = post(letter, call, index)
        return parcel
      })
      return { parcel, outcome: outcomes.then(([outcome]) => outcome as StoreOutcome) }
    },
    get isClosed(): boolean {
      return pending.isClosed
    },
    /** Aborts once the outbox has closed. */
    closing: closingSignal,
    onConnectionUp(connection: ChannelModel): void {
      declarations.reset()
      channel.useConnection(connection)
    },
    onConnectionDown: (): void => channel.useConnection(undefined),
    /** Waits until everything is answered, or for the time given. Then gives up what is left. */
    async close(timeoutMs: number): Promise<void> {
      await pending.close(timeoutMs)
      closing.abort()
      inFlight.clear()
      for (const timer of backingOff.values()) clearTimeout(timer)
      backingOff.clear()
      waiting.clear()
      channel.close()
    },
  }
}

export type Outbox = ReturnType<typeof createOutbox>

export interface SentParcel {
  /** Undefined if the outbox is closed. */
  readonly parcel: Parcel | undefined
  readonly outcome: Promise<StoreOutcome>
}
