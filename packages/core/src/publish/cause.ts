import { AsyncLocalStorage } from 'node:async_hooks'
import type { MessageHeaders } from '../contract/headers.js'
import { hasControlCharacters, isWellFormed } from '../contract/names.js'

const storage = new AsyncLocalStorage<MessageHeaders | undefined>()

/** `AsyncLocalStorage` slows every promise of the process, so the first scheduler switches it on. */
let isTracking = false

/** Switches on that a message which is published while another is handled names that one as its cause. */
export function trackCauses(): void {
  isTracking = true
}

interface Cause {
  readonly id: string
  readonly extensions: MessageHeaders
}

/** Runs the handler of a message. See docs/decisions/0052-cause-by-async-context.md. */
export function causedBy<T>(message: Cause, run: () => T): T {
  return isTracking ? storage.run(inherited(message), run) : run()
}

/** Runs a function without a cause, wherever it is called. The messages that it publishes begin a chain of their own. */
export const uncaused = <T>(run: () => T): T => storage.run(undefined, run)

/**
 * Returns the CloudEvents extensions of a message that is published now, or undefined outside of a handler. `causationid` is the id of
 * the message being handled, and `correlationid` the id of the first message of the chain. The trace is passed on as it is.
 */
export const causeExtensions = (): MessageHeaders | undefined => storage.getStore()

/** The longest W3C trace state. */
const maxBytes = 512

/** Attributes of another program may hold values that a publish would refuse. */
const canBeSent = (value: string | undefined): value is string =>
  value !== undefined &&
  value !== '' &&
  Buffer.byteLength(value) <= maxBytes &&
  !hasControlCharacters(value) &&
  isWellFormed(value)

function inherited({ id, extensions }: Cause): MessageHeaders {
  const { correlationid, traceparent, tracestate } = extensions
  const all = { causationid: id, correlationid: correlationid ?? id, traceparent, tracestate }
  const passedOn: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(all)) if (canBeSent(value)) passedOn[name] = value
  return Object.freeze(passedOn)
}
