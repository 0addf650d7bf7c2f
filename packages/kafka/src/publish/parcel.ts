import { type GiveUpReason, MqError, type PendingParcel } from '@mq/core/adapter'
import { asMqError } from '../driver/errors.js'
import type { OutgoingRecord } from '../driver/records/record-writer.js'

/** The topic that a parcel goes to. */
export interface Destination {
  readonly topic: string
  /** The latest failure to write to the topic, until one succeeds. */
  lastFailure: unknown
}

/** A record on its way to the broker, until its outcome is known. */
export interface Parcel extends PendingParcel {
  readonly to: Destination
  readonly record: OutgoingRecord
  readonly bytes: number
}

/** Says why a parcel had no outcome in time. */
export function lateReason({ maybeStored, to: { lastFailure } }: Parcel): GiveUpReason {
  const last = lastFailure === undefined ? '' : ` (${asMqError(lastFailure, 'the last attempt').message})`
  const why = `${maybeStored ? 'no answer came' : 'it could not be sent'} in time${last}`
  return { why, cause: new MqError('MQ_TIMEOUT', why, { cause: lastFailure }) }
}

export const refusalReason = (cause: MqError): GiveUpReason => ({ why: cause.message, cause })
