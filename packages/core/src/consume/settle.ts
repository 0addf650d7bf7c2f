import type { Delivery, Handle, Settlement } from '../contract/adapter.js'
import { stackOf } from '../contract/checks/stacks.js'
import type { Clock } from '../contract/clock.js'
import { isMqError } from '../contract/errors.js'
import {
  describeError,
  type Failure,
  type FailureReason,
  failureSince,
  isTraceparent,
  reasonFor,
} from '../contract/failure.js'
import type { Decoding } from '../contract/foreign.js'
import type { HandlerContext } from '../contract/handler.js'
import type { Message } from '../contract/message.js'
import type { Middleware, RunTrace } from '../contract/middleware.js'
import { type StandardSchema, validate } from '../contract/schema.js'
import { causedBy } from '../publish/cause.js'
import { isForAnotherGroup } from '../wire/cloud-events.js'
import { decodeData } from '../wire/codec.js'
import { unwrapped } from '../wire/structured.js'
import { isTombstone, unexpectedTombstone } from '../wire/tombstone.js'
import { type ObservedSettings, observed } from './observed.js'
import { decideRetry, type RetryPolicy } from './retry.js'
import { isVoid, messageOf, RunContext, type RunSettings, runHandler, tombstoneOf } from './run.js'
import { storable } from './stored-failure.js'

export interface SettleSettings extends RunSettings, Pick<ObservedSettings, 'ephemeral' | 'eventOf'> {
  readonly schema: StandardSchema | undefined
  readonly policy: RetryPolicy
  /** Whether the handler takes tombstones. Otherwise they are dead letters. */
  readonly tombstones: boolean
  /** Overrides the content type of each message. */
  readonly decode: Decoding | undefined
  /** Called before a message becomes a dead letter. Never rejects, and always settles. */
  readonly lastFailure?: ((delivery: Delivery, failure: Failure, context: HandlerContext) => Promise<void>) | undefined
  /** Says whether somebody gets the stack of a run that is retried. The stack of a dead letter is always wanted. */
  readonly wantsStacks: () => boolean
  /** Whether dead letters keep the stack. */
  readonly storeStacks: boolean
  /** Called at the end of every run, once its settlement is known. */
  readonly onRunEnd: (delivery: Delivery, settlement: Settlement, durationMs: number) => void
  /** Called with an error that no handler has thrown: a clock, a signal or core itself is at fault. */
  readonly onFault: (error: unknown) => void
}

const done: Settlement = { kind: 'done' }
const release: Settlement = { kind: 'release' }

/** The delay of a retry after a fault. */
const faultRetryMs = 1_000

/**
 * Creates the function that an adapter calls for each message. It decodes the message, validates it, runs the handler and returns the
 * settlement. It never throws and never rejects: after a fault the message is retried. `middleware` observes what becomes of it.
 */
export function createHandle(settings: SettleSettings, middleware: readonly Middleware[]): Handle {
  const { ref } = settings
  const ended = createEnded(settings)
  const settled = (delivery: Delivery, run?: RunTrace): Promise<Settlement> => settleOne(settings, delivery, ended, run)
  const handle = observed({ ...settings, onFault: (error) => reportFault(settings, error) }, middleware, settled)
  return (given) => {
    // Nearly every message is JSON, and needs no look at its form.
    const delivery = given.message.contentType === 'application/json' ? given : unwrapped(given)
    // It does not concern this group, so nobody observes it.
    return isForAnotherGroup(delivery.message, ref.group) ? settled(delivery) : handle(delivery)
  }
}

async function settleOne(
  settings: SettleSettings,
  delivery: Delivery,
  ended: Ended,
  run: RunTrace | undefined,
): Promise<Settlement> {
  const { clock, onRunEnd, storeStacks } = settings
  let settlement: Settlement | undefined
  settings.open.count += 1
  try {
    const startedAt = clock.monotonic()
    const settling = settle(settings, delivery, ended)
    // Only a promise is awaited: for short handlers the extra tick dominates.
    settlement = settling instanceof Promise ? await settling : settling
    if (run !== undefined) settlement = traced(settlement, run)
    if (settlement.kind === 'dead' && settings.lastFailure !== undefined && !isVoid(delivery)) {
      await beforeDeath(settings, delivery, settlement.failure)
    }
    // The adapter ignores the settlement of a void run, so nobody may take it for what became of the message.
    onRunEnd(delivery, isVoid(delivery) ? release : settlement, clock.monotonic() - startedAt)
    return 'failure' in settlement ? storable(settlement, storeStacks) : settlement
  } catch (error) {
    reportFault(settings, error)
    // If there is a settlement, the run has ended, so it stands.
    return storable(settlement ?? retryAfterFault(settings, delivery, error), storeStacks)
  } finally {
    settings.open.count -= 1
  }
}

/** Returns the settlement with the place of the run in a trace, if the run failed. */
function traced(settlement: Settlement, { traceparent }: RunTrace): Settlement {
  if (!('failure' in settlement) || !isTraceparent(traceparent)) return settlement
  return { ...settlement, failure: { ...settlement.failure, traceparent } }
}

async function beforeDeath(settings: SettleSettings, delivery: Delivery, failure: Failure): Promise<void> {
  const context = new RunContext(settings, delivery, delivery)
  await causedBy(delivery.message, () => settings.lastFailure?.(delivery, failure, context))
}

function settle(settings: SettleSettings, delivery: Delivery, ended: Ended): Settlement | Promise<Settlement> {
  const { policy, schema } = settings
  if (isForAnotherGroup(delivery.message, settings.ref.group)) return done
  if (delivery.decodeError !== undefined) return dead(settings, delivery, 'undecodable', delivery.decodeError)
  if (delivery.attempt > policy.attempts) return exhausted(settings, delivery)
  if (delivery.message.body.byteLength === 0 && isTombstone(delivery.message)) {
    return settings.tombstones
      ? handled(settings, delivery, tombstoneOf(settings, delivery), ended)
      : dead(settings, delivery, 'invalid', unexpectedTombstone(settings.ref.topic))
  }
  let message: Message
  try {
    message = messageOf(
      settings,
      delivery,
      decodeData(delivery.message.body, delivery.message.contentType, settings.decode),
    )
  } catch (error) {
    return dead(settings, delivery, 'undecodable', error)
  }
  return schema === undefined
    ? handled(settings, delivery, message, ended)
    : validatedAndHandled(settings, delivery, message, schema, ended)
}

async function validatedAndHandled(
  settings: SettleSettings,
  delivery: Delivery,
  message: Message,
  schema: StandardSchema,
  ended: Ended,
): Promise<Settlement> {
  let data: unknown
  try {
    data = await validate(schema, message.data, `'${settings.ref.topic}'`)
  } catch (error) {
    return dead(settings, delivery, 'invalid', error)
  }
  return await handled(settings, delivery, { ...message, data }, ended)
}

function handled(
  settings: SettleSettings,
  delivery: Delivery,
  message: Message,
  ended: Ended,
): Settlement | Promise<Settlement> {
  const frozen = Object.freeze(message)
  try {
    const running = causedBy(delivery.message, () => runHandler(settings, delivery, frozen))
    // A primitive cannot be a thenable.
    if (typeof running !== 'object' && typeof running !== 'function') return done
    return ended(delivery, running)
  } catch (error) {
    return failed(settings, delivery, error)
  }
}

type Ended = (delivery: Delivery, running: unknown) => Promise<Settlement>

/** Creates the function that awaits a run. It has the name by which calls from inside the run are recognised. */
function createEnded(settings: SettleSettings): Ended {
  const { name } = settings.mark
  return {
    async [name](delivery: Delivery, running: unknown): Promise<Settlement> {
      try {
        await running
        return done
      } catch (error) {
        return failed(settings, delivery, error)
      }
    },
  }[name] as Ended
}

function failed(settings: SettleSettings, delivery: Delivery, error: unknown): Settlement {
  // The adapter no longer owns the message, so the error says nothing about it. See docs/decisions/0002-abort-ends-a-delivery.md.
  if (delivery.signal.aborted) return release
  const decision = decideRetry(settings.policy, { attempt: delivery.attempt, error })
  if (!decision.retry) return dead(settings, delivery, reasonFor(error), error)
  const delayMs = Math.ceil(Math.min(decision.delayMs, settings.capabilities.maxDelayMs))
  const failure = failureOf(settings, delivery, reasonFor(error), error)
  return { kind: 'retry', delayMs, failure: settings.wantsStacks() ? withStack(failure, error) : failure }
}

function dead(settings: SettleSettings, delivery: Delivery, reason: FailureReason, error: unknown): Settlement {
  const failure = failureOf(settings, delivery, reason, error)
  // Core itself found such a message to be unreadable or invalid, unless the schema's own code threw.
  const isOurs = !wasRun(reason) && isMqError(error)
  return { kind: 'dead', failure: isOurs ? failure : withStack(failure, error) }
}

function withStack(failure: Failure, error: unknown): Failure {
  const stack = stackOf(error)
  return stack === undefined ? failure : { ...failure, error: { ...failure.error, stack } }
}

const wasRun = (reason: FailureReason): boolean => reason !== 'undecodable' && reason !== 'invalid'

function failureOf(settings: SettleSettings, delivery: Delivery, reason: FailureReason, error: unknown): Failure {
  const failedAt = settings.clock.now()
  return {
    reason,
    error: describeError(error),
    attempts: wasRun(reason) ? delivery.attempt : delivery.attempt - 1,
    firstFailedAt: failureSince(delivery)?.firstFailedAt ?? failedAt,
    failedAt,
  }
}

/** Settles a message that was delivered more often than the policy allows, after crashes or because the policy has become stricter. */
function exhausted(settings: SettleSettings, delivery: Delivery): Settlement {
  const runs = delivery.attempt - 1
  const last = failureSince(delivery)
  if (last !== undefined && last.attempts >= runs) return { kind: 'dead', failure: last }
  const text = `Delivered ${runs} times, and no run came to an end: each one ended with its process or its connection`
  const failure = failureOf(settings, delivery, 'crashed', new Error(`${text}${stallText(delivery)}`))
  return { kind: 'dead', failure: { ...failure, attempts: runs } }
}

function stallText({ stalledMs }: Delivery): string {
  if (stalledMs === undefined) return ''
  return `. The event loop of this process stood still for ${(stalledMs / 1_000).toFixed(1)} s, and lost its connection over that`
}

function reportFault({ onFault }: SettleSettings, error: unknown): void {
  try {
    onFault(error)
  } catch {
    // There is no other place to report it.
  }
}

function retryAfterFault({ clock, capabilities }: SettleSettings, delivery: Delivery, error: unknown): Settlement {
  const failedAt = nowOf(clock)
  const failure: Failure = {
    reason: 'error',
    error: describeError(error),
    attempts: delivery.attempt,
    firstFailedAt: failureSince(delivery)?.firstFailedAt ?? failedAt,
    failedAt,
  }
  return { kind: 'retry', delayMs: Math.min(faultRetryMs, capabilities.maxDelayMs), failure }
}

/** Returns the time of the machine if the clock is at fault. */
function nowOf(clock: Clock): number {
  try {
    return clock.now()
  } catch {
    return Date.now()
  }
}
