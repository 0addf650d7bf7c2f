import { lazyAbort } from '../adapter-kit/lazy-abort.js'
import type { Delivery, GroupRef } from '../contract/adapter.js'
import type { Capabilities } from '../contract/capabilities.js'
import type { Clock } from '../contract/clock.js'
import { MqError } from '../contract/errors.js'
import type { HandlerContext } from '../contract/handler.js'
import { type Log, withFields } from '../contract/log.js'
import type { Message, Tombstone } from '../contract/message.js'
import type { RunHandler } from '../contract/middleware.js'
import type { Queue } from '../contract/queue.js'
import { timeMs } from '../wire/cloud-events.js'
import { withoutTombstone } from '../wire/tombstone.js'
import { joinedSignal } from './joined-signal.js'
import type { OpenRuns } from './open-runs.js'
import type { RunMark } from './own-run.js'

/** The parts of a subscription that a run of its handler needs. */
export interface RunSettings {
  readonly ref: GroupRef
  /** The handler with its middleware around it. */
  readonly run: RunHandler
  /** `Infinity` for no limit. */
  readonly timeoutMs: number
  readonly open: OpenRuns
  readonly mark: RunMark
  readonly capabilities: Capabilities
  readonly clock: Clock
  readonly queue: Queue
  readonly log: Log
}

/** Returns a handler whose runs are recognised by a mark. See docs/decisions/0008-own-run-by-stack.md. */
export const markedBy = ({ name, around }: RunMark, run: RunHandler): RunHandler =>
  around?.(run) ??
  ({ [name]: (...[message, context]: Parameters<RunHandler>) => run(message, context) }[name] as RunHandler)

/** Returns what the handler returns, or a promise that rejects when its time is over. */
export function runHandler(settings: RunSettings, delivery: Delivery, message: Message): unknown {
  const { timeoutMs, clock } = settings
  if (timeoutMs === Number.POSITIVE_INFINITY) return settings.run(message, new RunContext(settings, delivery, delivery))
  const timeout = lazyAbort()
  const joined = joinedSignal(() => [delivery.signal, timeout.signal])
  const context = new RunContext(settings, delivery, joined)
  return new Promise<void>((resolve, reject) => {
    const late = (): void => {
      const error = new MqError('MQ_HANDLER_TIMEOUT', `The handler took longer than ${timeoutMs} ms`)
      timeout.abort(error)
      reject(error)
    }
    const timer = settings.open.startTimer(clock, late, timeoutMs)
    const end = (settle: () => void): void => {
      timer.cancel()
      joined.end()
      settle()
    }
    settings.mark
      .awaiting(() => settings.run(message, context))
      .then(
        () => end(resolve),
        (error) => end(() => reject(error)),
      )
  })
}

/** Returns true if the adapter has lost the message of a delivery: the run is void. */
export const isVoid = (delivery: Delivery): boolean => delivery.aborted ?? delivery.signal.aborted

/** Makes the message that the handler gets. */
export function messageOf({ ref, clock }: RunSettings, { message, attempt }: Delivery, data: unknown): Message {
  const ms = timeMs(message.time)
  return {
    id: message.id,
    topic: ref.topic,
    data,
    tombstone: false,
    headers: Object.freeze(message.headers),
    key: message.key,
    time: new Date(Number.isNaN(ms) ? clock.now() : ms),
    attempt,
    source: message.source,
    type: message.type,
    extensions: Object.freeze(message.extensions),
  }
}

/** Makes the message that the handler gets of a tombstone. */
export function tombstoneOf(settings: RunSettings, delivery: Delivery): Tombstone {
  const message = messageOf(settings, delivery, null)
  return { ...message, data: null, tombstone: true, extensions: withoutTombstone(message.extensions) }
}

/**
 * The context of one run. Its parts are created when the handler reads them, because most handlers read none.
 * See docs/decisions/0005-closure-or-class.md.
 */
export class RunContext implements HandlerContext {
  readonly #settings: RunSettings
  readonly #delivery: Delivery
  readonly #interruption: { readonly signal: AbortSignal }

  constructor(settings: RunSettings, delivery: Delivery, interruption: { readonly signal: AbortSignal }) {
    this.#settings = settings
    this.#delivery = delivery
    this.#interruption = interruption
  }

  get signal(): AbortSignal {
    return this.#interruption.signal
  }

  get queue(): Queue {
    return this.#settings.queue
  }

  /** Returns whether the run is void, without creating a signal. */
  static isVoid(context: HandlerContext): boolean {
    return #delivery in context ? isVoid(context.#delivery) : context.signal.aborted
  }

  /** Returns a clock whose timers end with the subscription of the run. */
  static clockOf(context: HandlerContext, clock: Clock): Clock {
    if (!(#settings in context)) return clock
    const { open } = context.#settings
    return {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      setTimeout: (callback, delayMs) => open.startTimer(clock, callback, delayMs),
    }
  }

  get log(): Log {
    const { attempt, message } = this.#delivery
    return withFields(this.#settings.log, { ...this.#settings.ref, id: message.id, attempt })
  }
}
