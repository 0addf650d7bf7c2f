import { lazyAbort } from '../adapter-kit/lazy-abort.js'
import type { Delivery, GroupRef, Handle, Settlement } from '../contract/adapter.js'
import type { Capabilities } from '../contract/capabilities.js'
import type { Clock } from '../contract/clock.js'
import { MqError } from '../contract/errors.js'
import { describeError, type Failure, type FailureReason, reasonFor } from '../contract/failure.js'
import type { HandlerContext } from '../contract/handler.js'
import { type Log, withFields } from '../contract/log.js'
import type { Message } from '../contract/message.js'
import type { RunHandler } from '../contract/middleware.js'
import type { Queue } from '../contract/queue.js'
import { type StandardSchema, validate } from '../contract/schema.js'
import { causedBy } from '../publish/cause.js'
import { decodeData } from '../wire/codec.js'
import { timeMs } from '../wire/time.js'
import { joinedSignal } from './joined-signal.js'
import { decideRetry, type RetryPolicy } from './retry.js'

export interface Handling {
  readonly ref: GroupRef
  readonly schema: StandardSchema | undefined
  readonly run: RunHandler
  readonly policy: RetryPolicy
  /** `Infinity` for none. */
  readonly timeoutMs: number
  readonly capabilities: Capabilities
  readonly clock: Clock
  readonly queue: Queue
  readonly log: Log
  /** Before a message becomes a dead letter. Never rejects, and always ends. */
  readonly lastFailure?: ((delivery: Delivery, failure: Failure, context: HandlerContext) => Promise<void>) | undefined
  /** Told of every run once its settlement is known. */
  readonly settled: (delivery: Delivery, settlement: Settlement, durationMs: number) => void
}

const done: Settlement = { kind: 'done' }
const release: Settlement = { kind: 'release' }

/** Decode, validate, run, and say what becomes of the message. The function that it returns never rejects. */
export function createHandle(handling: Handling): Handle {
  const { clock, settled } = handling
  return async (delivery) => {
    const startedAt = clock.monotonic()
    const outcome = settle(handling, delivery)
    // Awaiting what is there already is a good part of what a short handler costs.
    const settlement = outcome instanceof Promise ? await outcome : outcome
    if (settlement.kind === 'dead' && handling.lastFailure !== undefined && !delivery.signal.aborted) {
      const { lastFailure } = handling
      const context = new Context(handling, delivery, delivery)
      await causedBy(delivery.message, () => lastFailure(delivery, settlement.failure, context))
    }
    settled(delivery, settlement, clock.monotonic() - startedAt)
    return settlement
  }
}

function settle(handling: Handling, delivery: Delivery): Settlement | Promise<Settlement> {
  const { policy, schema } = handling
  if (delivery.decodeError !== undefined) return dead(handling, delivery, 'undecodable', delivery.decodeError)
  if (delivery.attempt > policy.attempts) return exhausted(handling, delivery)
  let message: Message
  try {
    message = messageOf(handling, delivery, decodeData(delivery.message.body, delivery.message.contentType))
  } catch (error) {
    return dead(handling, delivery, 'undecodable', error)
  }
  return schema === undefined
    ? handled(handling, delivery, message)
    : validatedAndHandled(handling, delivery, message, schema)
}

async function validatedAndHandled(
  handling: Handling,
  delivery: Delivery,
  message: Message,
  schema: StandardSchema,
): Promise<Settlement> {
  let data: unknown
  try {
    data = await validate(schema, message.data, `'${handling.ref.topic}'`)
  } catch (error) {
    return dead(handling, delivery, 'invalid', error)
  }
  return await handled(handling, delivery, { ...message, data })
}

function handled(handling: Handling, delivery: Delivery, message: Message): Settlement | Promise<Settlement> {
  const frozen = Object.freeze(message)
  try {
    const running = causedBy(delivery.message, () => run(handling, delivery, frozen))
    // Whatever else it may be, it is nothing to wait for.
    if (typeof running !== 'object' && typeof running !== 'function') return done
    return ended(handling, delivery, running)
  } catch (error) {
    return failed(handling, delivery, error)
  }
}

async function ended(handling: Handling, delivery: Delivery, running: unknown): Promise<Settlement> {
  try {
    await running
    return done
  } catch (error) {
    return failed(handling, delivery, error)
  }
}

function messageOf(handling: Handling, { message, attempt }: Delivery, data: unknown): Message {
  const ms = timeMs(message.time)
  return {
    id: message.id,
    topic: handling.ref.topic,
    data,
    headers: Object.freeze(message.headers),
    key: message.key,
    time: new Date(Number.isNaN(ms) ? handling.clock.now() : ms),
    attempt,
    source: message.source,
    type: message.type,
    extensions: Object.freeze(message.extensions),
  }
}

/** What the handler returns, or a promise that ends with its time. */
function run(handling: Handling, delivery: Delivery, message: Message): unknown {
  const { timeoutMs, clock } = handling
  if (timeoutMs === Number.POSITIVE_INFINITY) {
    return handling.run(message, new Context(handling, delivery, delivery))
  }
  const timeout = lazyAbort()
  const joined = joinedSignal(() => [delivery.signal, timeout.signal])
  const context = new Context(handling, delivery, joined)
  return new Promise<void>((resolve, reject) => {
    const timer = clock.setTimeout(() => {
      const late = new MqError('MQ_HANDLER_TIMEOUT', `The handler took longer than ${timeoutMs} ms`)
      timeout.abort(late)
      reject(late)
    }, timeoutMs)
    const end = (settle: () => void): void => {
      timer.cancel()
      joined.end()
      settle()
    }
    Promise.resolve()
      .then(() => handling.run(message, context))
      .then(
        () => end(resolve),
        (error) => end(() => reject(error)),
      )
  })
}

/** Its parts are made when a handler asks for them: most handlers ask for none. */
class Context implements HandlerContext {
  readonly #handling: Handling
  readonly #delivery: Delivery
  readonly #interruption: { readonly signal: AbortSignal }

  constructor(handling: Handling, delivery: Delivery, interruption: { readonly signal: AbortSignal }) {
    this.#handling = handling
    this.#delivery = delivery
    this.#interruption = interruption
  }

  get signal(): AbortSignal {
    return this.#interruption.signal
  }

  get queue(): Queue {
    return this.#handling.queue
  }

  get log(): Log {
    const { attempt, message } = this.#delivery
    return withFields(this.#handling.log, { ...this.#handling.ref, id: message.id, attempt })
  }
}

function failed(handling: Handling, delivery: Delivery, error: unknown): Settlement {
  // Whatever the handler threw, it is no failure of the message: the message is not ours any more.
  if (delivery.signal.aborted) return release
  const decision = decideRetry(handling.policy, { attempt: delivery.attempt, error })
  if (!decision.retry) return dead(handling, delivery, reasonFor(error), error)
  const delayMs = Math.ceil(Math.min(decision.delayMs, handling.capabilities.maxDelayMs))
  return { kind: 'retry', delayMs, failure: failureOf(handling, delivery, reasonFor(error), error) }
}

function dead(handling: Handling, delivery: Delivery, reason: FailureReason, error: unknown): Settlement {
  return { kind: 'dead', failure: failureOf(handling, delivery, reason, error) }
}

function failureOf(handling: Handling, delivery: Delivery, reason: FailureReason, error: unknown): Failure {
  const failedAt = handling.clock.now()
  const wasRun = reason !== 'undecodable' && reason !== 'invalid'
  return {
    reason,
    error: describeError(error),
    attempts: wasRun ? delivery.attempt : delivery.attempt - 1,
    firstFailedAt: delivery.failure?.firstFailedAt ?? failedAt,
    failedAt,
  }
}

/** Delivered more often than the policy allows: after crashes, or because the policy has become stricter meanwhile. */
function exhausted(handling: Handling, delivery: Delivery): Settlement {
  const runs = delivery.attempt - 1
  if (delivery.failure !== undefined && delivery.failure.attempts >= runs) {
    return { kind: 'dead', failure: delivery.failure }
  }
  const text = `Delivered ${runs} times, and no run came to an end: each one ended with its process or its connection`
  const failure = failureOf(handling, delivery, 'crashed', new Error(text))
  return { kind: 'dead', failure: { ...failure, attempts: runs } }
}
