import type { Refusal } from './wire.js'

/** The error of the broker for a request that it does not carry out. */
export class Refused extends Error {
  readonly reason: Refusal

  constructor(reason: Refusal) {
    super(reason)
    this.reason = reason
  }
}
