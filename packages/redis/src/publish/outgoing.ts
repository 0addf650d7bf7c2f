import { MqError, type PublishCall, type StoreOutcome } from '@mq/core/adapter'
import type { Packed } from '../wire/fields.js'

/** One call of `publish`. */
export interface Call {
  readonly outcomes: (StoreOutcome | undefined)[]
  readonly resolve: (outcomes: readonly StoreOutcome[]) => void
  /** Its signal is looked at only when an answer does not come at once: making one has a price. */
  readonly asked: PublishCall
  deadline: number
  sweeps: number
  open: number
}

/** A message on its way. */
export interface Item extends Packed {
  readonly call: Call
  readonly index: number
  /** Counts all messages: what has to be sent again goes back to its place. */
  readonly number: number
  readonly key: string | undefined
  readonly isDelayed: boolean
  /** Sent at least once without an answer. */
  doubtful: boolean
}

export const isSettled = ({ call, index }: Item): boolean => call.outcomes[index] !== undefined

export function settle({ call, index }: Item, outcome: StoreOutcome): void {
  if (call.outcomes[index] !== undefined) return
  call.outcomes[index] = outcome
  call.open -= 1
  if (call.open === 0) call.resolve(call.outcomes as StoreOutcome[])
}

/** No answer will come any more, or none that could be told from another. */
export function giveUp(item: Item, error: MqError): void {
  if (item.doubtful) settle(item, { status: 'unknown', routed: 'unknown', error: unknownError(error) })
  else settle(item, { status: 'rejected', routed: 'no', error })
}

/** Whatever is still open is at the broker. */
export function giveUpCall(call: Call): void {
  const error = unknownError(new Error('there was no answer by its deadline, or before its caller aborted'))
  call.outcomes.forEach((outcome, index) => {
    if (outcome === undefined) call.outcomes[index] = { status: 'unknown', routed: 'unknown', error }
  })
  call.open = 0
  call.resolve(call.outcomes as StoreOutcome[])
}

export const notSentError = (): MqError =>
  new MqError(
    'MQ_PUBLISH_REJECTED',
    'Not sent: Redis could not be reached by its deadline, or before its caller aborted',
  )

export const rejectedError = (text: string): MqError =>
  new MqError('MQ_PUBLISH_REJECTED', `Redis refused the message: ${text}`)

export const unknownError = (cause: Error): MqError =>
  cause instanceof MqError && cause.code === 'MQ_PUBLISH_UNKNOWN'
    ? cause
    : new MqError('MQ_PUBLISH_UNKNOWN', `The message may or may not be stored: ${cause.message}`, { cause })
