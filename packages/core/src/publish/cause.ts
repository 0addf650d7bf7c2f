import { AsyncLocalStorage } from 'node:async_hooks'
import { hasControlCharacters, isWellFormed, type MessageHeaders } from '../contract/headers.js'

const storage = new AsyncLocalStorage<MessageHeaders | undefined>()

/** Following promises costs every promise of the process a little: only processes with tasks pay it. */
let isKept = false

/** From now on, what is published while a message is handled names that message as its cause. */
export function keepCauses(): void {
  isKept = true
}

interface Cause {
  readonly id: string
  readonly extensions: MessageHeaders
}

/** Runs the handler of a message. */
export function causedBy<T>(message: Cause, run: () => T): T {
  return isKept ? storage.run(inherited(message), run) : run()
}

/** Runs what has no cause, wherever it is called: what it publishes begins a chain of its own. */
export const uncaused = <T>(run: () => T): T => storage.run(undefined, run)

/**
 * CloudEvents extensions for what is published now: `causationid`, the id of the message that is being handled;
 * `correlationid`, that of the first one of the chain; and its trace. Undefined outside of a handler.
 */
export const causeExtensions = (): MessageHeaders | undefined => storage.getStore()

/** A W3C trace state may be that long. */
const maxBytes = 512

/** Another program's attributes may hold what we would not send. */
const canBeSent = (value: string | undefined): value is string =>
  value !== undefined &&
  value !== '' &&
  Buffer.byteLength(value) <= maxBytes &&
  !hasControlCharacters(value) &&
  isWellFormed(value)

function inherited({ id, extensions }: Cause): MessageHeaders {
  const { correlationid, traceparent, tracestate } = extensions
  const all = { causationid: id, correlationid: correlationid ?? id, traceparent, tracestate }
  return Object.freeze(
    Object.fromEntries(Object.entries(all).filter(([, value]) => canBeSent(value))),
  ) as MessageHeaders
}
