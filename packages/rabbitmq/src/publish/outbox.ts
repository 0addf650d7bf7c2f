import { MqError } from '@mq/core/adapter'
import type { ChannelModel, ConfirmChannel, Message } from 'amqplib'
import { declareOn, openChannel } from '../connection/connection.js'
import { isClosedDriver, operationError, reply, replyCode, textOf } from '../connection/errors.js'
import type { Declarations } from '../topology/declarations.js'
import { culprits, type Parcel } from './parcel.js'

/** Unanswered on the channel at most; what is more waits here, and core bounds how much that is. */
const maxInFlight = 4_096

/** How late a deadline may be noticed. */
const sweepMs = 50

/** Before a channel is opened again that the broker closed. */
const reopenDelayMs = 50

/**
 * After the death of a node RabbitMQ 3.10 may refuse what a channel publishes to a queue until that node is back, although the queue
 * has another leader: the channel asks only the one that it had first. A new channel asks the new leader.
 */
const nacksBeforeRenewal = 3
const leastAgeMs = 1_000
/** So long the answers to what is in flight are waited for, or it would be sent twice. */
const drainMs = 1_000

/**
 * Sends parcels in the order in which they come, each confirmed by the broker. One that was in flight when its channel or
 * connection ended is sent again, with the same id, before all others; its deadline goes on meanwhile.
 */
export function createOutbox(declarations: Declarations, report: (error: MqError) => void) {
  let connection: ChannelModel | undefined
  let channel: ConfirmChannel | undefined
  /** No answer yet, the oldest first. */
  const inFlight = new Set<Parcel>()
  /** Refused by the broker, and sent again soon. */
  const resting = new Set<Parcel>()
  /** From `head` on. */
  let waiting: Parcel[] = []
  let head = 0
  let isWritable = true
  let isDeclaring = false
  let isClosed = false
  let openedAt = 0
  /** Nothing more is sent on this channel; by then another one is opened. */
  let drainsUntil: number | undefined
  let sweeper: NodeJS.Timeout | undefined
  let onEmpty: (() => void) | undefined

  const size = (): number => inFlight.size + resting.size + waiting.length - head

  function send(parcel: Parcel): void {
    if (isClosed) {
      parcel.giveUp('the adapter was disconnected')
      return
    }
    waiting.push(parcel)
    sweeper ??= setInterval(sweep, sweepMs)
    pump()
  }

  const canSend = (): boolean => isWritable && inFlight.size < maxInFlight && !isDeclaring && drainsUntil === undefined

  function pump(): void {
    while (channel !== undefined && canSend()) {
      const parcel = waiting[head]
      if (parcel === undefined) break
      if (!parcel.isSettled && !declarations.isReady(parcel.to.need)) {
        void declare(parcel)
        break
      }
      head += 1
      if (!parcel.isSettled) transmit(channel, parcel)
    }
    if (head > 1_024 || head === waiting.length) {
      waiting.splice(0, head)
      head = 0
    }
  }

  function transmit(on: ConfirmChannel, parcel: Parcel): void {
    const { exchange, routingKey, content, properties } = parcel.to
    parcel.isReturned = false
    inFlight.add(parcel)
    try {
      isWritable = on.publish(exchange, routingKey, content, properties, (error) => answered(on, parcel, error))
      parcel.wasSent = true
    } catch (error) {
      inFlight.delete(parcel)
      // Either the channel has just closed, or something does not fit a frame.
      if (!isClosedDriver(error)) parcel.refuse(error, { isImpossible: true })
      else {
        again([parcel])
        lost(on, undefined)
      }
    }
  }

  function answered(on: ConfirmChannel, parcel: Parcel, error: unknown): void {
    // When its channel has closed, what was in flight is taken care of together.
    if (on !== channel || !inFlight.delete(parcel)) return
    if (error) refused(parcel, error)
    else if (parcel.isReturned && parcel.to.need.level !== undefined) undelayed(parcel)
    else parcel.store()
    renewIfDrained()
    if (head < waiting.length) pump()
    if (onEmpty !== undefined && size() === 0) onEmpty()
  }

  function refused(parcel: Parcel, error: unknown): void {
    const delayMs = parcel.nacked()
    if (delayMs === undefined)
      parcel.giveUp(`RabbitMQ refused it (${textOf(error)}): a queue is full or unavailable`, error)
    else {
      resting.add(parcel)
      setTimeout(() => {
        if (resting.delete(parcel) && !parcel.isSettled) send(parcel)
      }, delayMs)
      const now = Date.now()
      if (parcel.nacks >= nacksBeforeRenewal && now - openedAt > leastAgeMs) drainsUntil ??= now + drainMs
    }
  }

  function renewIfDrained(): void {
    if (drainsUntil === undefined || (inFlight.size > 0 && Date.now() < drainsUntil)) return
    const old = channel
    if (old === undefined) return
    lost(old, undefined)
    old.close().catch(() => {})
  }

  /** The exchange of its delay stands, but its queue or binding is gone. */
  function undelayed(parcel: Parcel): void {
    declarations.reset()
    if (!parcel.strike()) send(parcel)
    else parcel.refuse(new Error('the queue for its delay is missing, although it was declared again'))
  }

  /** To the front, in their order. */
  function again(parcels: readonly Parcel[]): void {
    waiting = [...parcels, ...waiting.slice(head)]
    head = 0
  }

  /** Whatever stands behind waits too, so that the order is kept. */
  async function declare(parcel: Parcel): Promise<void> {
    const on = connection
    if (on === undefined) return
    isDeclaring = true
    try {
      await declareOn(on, 'Declaring a topic', (declaring) => declarations.declare(declaring, parcel.to.need))
    } catch (cause) {
      // Without a connection all is tried again on the next one.
      if (on === connection && replyCode(cause) !== undefined) {
        for (const refusedOne of waiting.slice(head)) {
          if (!declarations.isReady(refusedOne.to.need) && isSameNeed(refusedOne, parcel)) {
            refusedOne.giveUp('what it needs could not be declared', operationError(cause, 'Declaring a topic'))
          }
        }
      } else if (on === connection) await pause(reopenDelayMs)
    } finally {
      isDeclaring = false
      pump()
    }
  }

  async function openOn(target: ChannelModel): Promise<void> {
    let opened: ConfirmChannel
    try {
      opened = await openChannel(target, 'confirm')
    } catch {
      reopenOn(target)
      return
    }
    if (target !== connection) return
    let fault: unknown
    opened.on('error', (error: unknown) => {
      fault = error
    })
    opened.on('return', returned)
    opened.on('drain', () => {
      isWritable = true
      pump()
    })
    // Before the driver's own listener, which answers everything that is in flight with an error.
    opened.prependListener('close', () => lost(opened, fault))
    channel = opened
    openedAt = Date.now()
    isWritable = true
    pump()
  }

  /** The broker sends a message back before it confirms it, in the order of publishing. */
  function returned({ fields, properties }: Message): void {
    for (const parcel of inFlight) {
      const { to } = parcel
      const isIt = !parcel.isReturned && to.exchange === fields.exchange && to.routingKey === fields.routingKey
      if (isIt && to.properties.messageId === properties.messageId) {
        parcel.isReturned = true
        return
      }
    }
  }

  function lost(which: ConfirmChannel, fault: unknown): void {
    if (channel !== which) return
    channel = undefined
    drainsUntil = undefined
    if (fault !== undefined) blame(fault)
    again([...inFlight].filter((parcel) => !parcel.isSettled))
    inFlight.clear()
    reopenOn(connection)
  }

  /** When the channel went with its connection, that is known by then. */
  function reopenOn(target: ChannelModel | undefined): void {
    setTimeout(() => {
      if (target !== undefined && target === connection && !isClosed) void openOn(target)
    }, reopenDelayMs)
  }

  /** The broker has closed the channel because of one message; the others are not to suffer for it. */
  function blame(fault: unknown): void {
    // An exchange is missing: all are declared again.
    if (replyCode(fault) === reply.notFound) declarations.reset()
    const found = culprits(fault, inFlight)
    if (found !== undefined) {
      for (const parcel of found) parcel.refuse(fault)
      return
    }
    report(
      new MqError('MQ_OPERATION_FAILED', `RabbitMQ closed the channel for publishing: ${textOf(fault)}`, {
        cause: fault,
      }),
    )
    for (const parcel of inFlight) if (parcel.strike()) parcel.giveUp(textOf(fault), fault)
  }

  function sweep(): void {
    const now = Date.now()
    for (const parcel of inFlight) {
      parcel.sweep(now, 'RabbitMQ gave no answer in time')
      if (parcel.isSettled) inFlight.delete(parcel)
    }
    for (const parcel of resting) parcel.sweep(now, 'RabbitMQ refused it until now')
    for (let index = head; index < waiting.length; index++) {
      waiting[index]?.sweep(now, waitingFor())
    }
    while (waiting[head]?.isSettled === true) head += 1
    renewIfDrained()
    pump()
    if (size() > 0) return
    clearInterval(sweeper)
    sweeper = undefined
    onEmpty?.()
  }

  const waitingFor = (): string =>
    channel === undefined ? 'there was no connection to RabbitMQ in time' : 'RabbitMQ took no message in time'

  return {
    send,
    get isClosed(): boolean {
      return isClosed
    },
    linkUp(up: ChannelModel): void {
      connection = up
      declarations.reset()
      void openOn(up)
    },
    linkDown(): void {
      connection = undefined
    },
    /** Waits until everything is answered, or for the deadline; then gives up what is left. */
    async close(timeoutMs: number): Promise<void> {
      if (size() > 0 && timeoutMs > 0) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, Math.min(timeoutMs, 2 ** 31 - 1))
          onEmpty = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      }
      isClosed = true
      clearInterval(sweeper)
      sweeper = undefined
      for (const parcel of [...inFlight, ...resting, ...waiting.slice(head)])
        parcel.giveUp('the adapter was disconnected')
      inFlight.clear()
      resting.clear()
      waiting = []
      head = 0
      channel = undefined
    },
  }
}

export type Outbox = ReturnType<typeof createOutbox>

const isSameNeed = (one: Parcel, other: Parcel): boolean =>
  one.to.need.topic === other.to.need.topic && one.to.need.level === other.to.need.level

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
