import { type Delivery, type Failure, type LazyAbort, lazyAbort, type MqError, type RawMessage } from '@mq/core/adapter'
import type { DecodedRecord } from '../wire/decode.js'

/** A call of `handle`, and the delivery that the call is given. There is one for each message, so it is made without copying. */
export class Run implements Delivery {
  readonly message: RawMessage
  readonly attempt: number
  declare readonly failure?: Failure
  declare readonly decodeError?: MqError
  #abort: LazyAbort | undefined

  constructor({ message, attempt, failure, decodeError }: DecodedRecord) {
    this.message = message
    this.attempt = attempt
    if (failure !== undefined) this.failure = failure
    if (decodeError !== undefined) this.decodeError = decodeError
  }

  get signal(): AbortSignal {
    this.#abort ??= lazyAbort()
    return this.#abort.signal
  }

  abort(reason: MqError): void {
    this.#abort ??= lazyAbort()
    this.#abort.abort(reason)
  }
}
