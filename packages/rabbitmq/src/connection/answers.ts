import { isMqError, MqError, withTimeout } from '@mq/core/adapter'
import type { ChannelModel } from 'amqplib'
import { destroy } from './close.js'

/**
 * How long the broker may take to answer a request on an open connection. After a restart it declares nothing until all its queues
 * are up. A dead connection is noticed earlier, by its heartbeats.
 */
export const answerTimeoutMs = 25_000

/** Rejects with `MQ_TIMEOUT` if the answer does not come in time. `what` says what was asked. */
export function inTime<T>(work: Promise<T>, what?: string): Promise<T> {
  const text = `RabbitMQ gave no answer in ${answerTimeoutMs} ms`
  const late = (): MqError => new MqError('MQ_TIMEOUT', what === undefined ? text : `${what}: ${text}`)
  return withTimeout(work, answerTimeoutMs, late)
}

/** Does the same, and gives the connection up if no answer comes although its heartbeats go on. */
export async function answerFrom<T>(connection: ChannelModel, work: Promise<T>): Promise<T> {
  return inTime(work).catch((error) => {
    if (isMqError(error, 'MQ_TIMEOUT')) giveUpSilent(connection)
    throw error
  })
}

const blocked = new WeakSet<ChannelModel>()

/** Notes whether the broker has blocked publishing on this connection. If so, it answers nothing else there either. */
export function setBlocked(connection: ChannelModel, isBlocked: boolean): void {
  if (isBlocked) blocked.add(connection)
  else blocked.delete(connection)
}

export const isBlocked = (connection: ChannelModel): boolean => blocked.has(connection)

const faults = new WeakMap<ChannelModel, unknown>()

/** Notes the error with which a connection ends. */
export const setFault = (connection: ChannelModel, fault: unknown): void => void faults.set(connection, fault)

export const faultOf = (connection: ChannelModel): unknown => faults.get(connection)

/** Ends a connection on which an answer is missing, as its successor may give one. A blocked connection is only slow, so it stays. */
export function giveUpSilent(connection: ChannelModel): void {
  if (!isBlocked(connection)) destroy(connection)
}
