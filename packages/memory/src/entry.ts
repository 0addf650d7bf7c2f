import type { Failure, RawMessage } from '@mq/core/adapter'

/** A message in one group, with its history there. */
export interface Entry {
  readonly message: RawMessage
  readonly attempt: number
  readonly failure?: Failure
  /** Different for all entries of a broker. It grows with each message that a group takes in. */
  readonly number: number
  /** The time of the timetable at which the entry could run first. */
  readonly since: number
}

/** Counts all messages that one broker holds, in all topics and groups, against its limits. */
export class Usage {
  readonly maxMessages: number
  readonly maxBytes: number
  #messages = 0
  #bytes = 0

  constructor(limits: { readonly maxMessages: number; readonly maxBytes: number }) {
    this.maxMessages = limits.maxMessages
    this.maxBytes = limits.maxBytes
  }

  get isFull(): boolean {
    return this.#messages >= this.maxMessages || this.#bytes >= this.maxBytes
  }

  add(message: RawMessage): void {
    this.#messages += 1
    this.#bytes += message.body.byteLength
  }

  remove(message: RawMessage): void {
    this.#messages -= 1
    this.#bytes -= message.body.byteLength
  }
}
