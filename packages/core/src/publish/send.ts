import type { Adapter, StoreOutcome } from '../contract/adapter.js'
import { requireDuration } from '../contract/checks/values.js'
import { isMqError, MqError, type MqErrorCode } from '../contract/errors.js'
import { describeError } from '../contract/failure.js'
import type { PublishOptions, PublishOutcome } from '../contract/publish-options.js'
import type { Encoded } from './encode.js'
import { OpenPublish } from './open-publish.js'

export interface SenderOptions {
  readonly adapter: Adapter
  readonly publishTimeoutMs: number
  readonly maxPendingMessages: number
  readonly maxPendingBytes: number
}

/** Creates the function that hands messages to the adapter. It counts those that have no answer yet. */
export function createSend({ adapter, publishTimeoutMs, maxPendingMessages, maxPendingBytes }: SenderOptions) {
  let pendingMessages = 0
  let pendingBytes = 0

  function requireRoom(messages: number, bytes: number): void {
    if (pendingMessages + messages <= maxPendingMessages && pendingBytes + bytes <= maxPendingBytes) return
    const limits = `at most ${maxPendingMessages} messages and ${maxPendingBytes} bytes`
    const waiting = `${pendingMessages} messages with ${pendingBytes} bytes wait for the broker's answer`
    throw new MqError('MQ_BACKPRESSURE', `${waiting}, ${limits} may. Not sent; await earlier publishes first`)
  }

  /**
   * Sends the messages in one call. It does not reject if the broker refuses them: that is in the outcomes. Throws `MQ_BACKPRESSURE`
   * before anything is sent.
   */
  return async function send(
    topic: string,
    encoded: readonly Encoded[],
    given: Pick<PublishOptions, 'timeoutMs' | 'signal'>,
  ): Promise<readonly PublishOutcome[]> {
    const timeoutMs =
      given.timeoutMs === undefined ? publishTimeoutMs : requireDuration(given.timeoutMs, 'timeoutMs', 1)
    const bytes = encoded.reduce((sum, one) => sum + one.bytes, 0)
    requireRoom(encoded.length, bytes)
    const messages = encoded.map((one) => one.message)
    const call = new OpenPublish(timeoutMs, given.signal)
    pendingMessages += encoded.length
    pendingBytes += bytes
    try {
      const outcomes = await call.settle(adapter.publish(topic, messages, call))
      return messages.map((message, index) => outcomeOf(message.id, outcomes[index]))
    } catch (error) {
      const failure = asPublishError(error)
      const status = failure.code === 'MQ_PUBLISH_UNKNOWN' ? 'unknown' : 'rejected'
      return messages.map(({ id }) => ({ status, id, error: failure }))
    } finally {
      call.end()
      pendingMessages -= encoded.length
      pendingBytes -= bytes
    }
  }
}

function outcomeOf(id: string, outcome: StoreOutcome | undefined): PublishOutcome {
  if (outcome?.status === 'stored') return { status: 'stored', id, routed: outcome.routed }
  if (outcome?.status === 'rejected') {
    const error = outcome.error ?? new MqError('MQ_PUBLISH_REJECTED', 'The broker refused the message')
    return { status: 'rejected', id, error }
  }
  const text = 'The broker did not say whether it stored the message'
  const error = outcome?.error === undefined ? new MqError('MQ_PUBLISH_UNKNOWN', text) : unknownBecauseOf(outcome.error)
  return { status: 'unknown', id, error }
}

/** These codes say how a call ended, not whether the broker had stored the message by then. */
const inconclusive: readonly MqErrorCode[] = ['MQ_CONNECTION_LOST', 'MQ_OPERATION_FAILED', 'MQ_STOPPED', 'MQ_TIMEOUT']

/** An adapter that throws instead of returning outcomes says nothing about the message, unless the error is a refusal. */
const asPublishError = (error: unknown): MqError =>
  isMqError(error) && !inconclusive.includes(error.code) ? error : unknownBecauseOf(error)

function unknownBecauseOf(error: unknown): MqError {
  if (isMqError(error, 'MQ_PUBLISH_UNKNOWN')) return error
  const text = `The message may or may not be stored: ${describeError(error).message}`
  return new MqError('MQ_PUBLISH_UNKNOWN', text, { cause: error })
}
