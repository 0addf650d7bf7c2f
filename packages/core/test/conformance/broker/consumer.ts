import { randomUUID } from 'node:crypto'
import {
  type AdapterEvent,
  type ConsumeOptions,
  type Consumer,
  type Delivery,
  type Failure,
  type Handle,
  type LazyAbort,
  lazyAbort,
  type Settlement,
  type StopOptions,
  type TargetRef,
  unknownFailure,
} from '../../../src/adapter.js'
import { type ConsumerHealth, type GroupPause, type GroupRef, isMqError, MqError } from '../../../src/index.js'
import type { MutantName } from '../mutants.js'
import { decode } from './codec.js'
import type { Connection } from './connection.js'
import { located } from './foreign.js'
import type { Faulty } from './mutation.js'
import type { Standstill } from './standstill.js'
import { Turnstile } from './turnstile.js'
import type { Push } from './wire.js'

/** One call of `handle`. The first event that ends it removes it from `#runs`. Later ones have no effect. */
interface Run {
  readonly delivery: number
  readonly id: string | undefined
  readonly connection: Connection
  readonly abort: LazyAbort
}

export interface ConsumerContext {
  readonly report: (event: AdapterEvent) => void
  readonly faulty: Faulty
  /** The turnstile that all consumers of an adapter share. */
  readonly turns: Turnstile
  readonly standstill: Standstill
}

type Deliver = Push & { readonly type: 'deliver' }
type Cancelled = Push & { readonly type: 'cancelled' }

const fetchingFaults: readonly MutantName[] = ['stopAcksUnstarted', 'hoards', 'pauseRunsFetched', 'pauseCountsFetched']

/** The time after its timeout for which `stop` waits for the broker's last answers. */
const graceMs = 200
const resumePauseMs = 20

/** A consumer of one group, over consecutive connections. */
export class GroupConsumer implements Consumer {
  readonly id = randomUUID()
  readonly ref: GroupRef
  readonly #located: GroupRef
  readonly #options: ConsumeOptions
  readonly #handle: Handle
  readonly #report: (event: AdapterEvent) => void
  readonly #faulty: Faulty
  readonly #adapterTurns: Turnstile
  readonly #standstill: Standstill
  readonly #turns = new Turnstile()
  readonly #runs = new Map<number, Run>()
  readonly #settling = new Set<Promise<void>>()
  #connection: Connection | undefined
  #status: ConsumerHealth['status'] = 'recovering'
  #idle: (() => void) | undefined
  #stopped: Promise<void> | undefined
  #started = false
  /** Whether it consumes nothing more, although it was not stopped. */
  #broken = false
  /** Deliveries that were lost with their connection. */
  #lostRuns = 0
  /** Deliveries that wait for a slot, beyond the requested number. */
  #fetched: { readonly push: Deliver; readonly connection: Connection }[] = []
  #acknowledged = 0
  #paused: GroupPause | undefined
  /** The failures that the broker has not stored, although it no longer counts them as running. */
  #unstored: (readonly [delivery: number, settlement: Settlement])[] = []
  /** The ids of messages that were handled while the process stood still, so that the broker did not hear of it. */
  readonly #handledUnheard = new Set<string>()
  /** The run whose handler was called and has not awaited anything yet. */
  #starting: Run | undefined
  /** The run from which the consumer was stopped. */
  #stoppedFrom: Run | undefined

  constructor(ref: TargetRef, options: ConsumeOptions, handle: Handle, context: ConsumerContext) {
    this.ref = { topic: ref.topic, group: ref.group }
    this.#located = located(ref, context.faulty)
    this.#options = options
    this.#handle = handle
    this.#report = context.report
    this.#faulty = context.faulty
    this.#adapterTurns = context.turns
    this.#standstill = context.standstill
  }

  /** Returns whether it has consumed before. The caller repeats a first attempt that fails. */
  get isStarted(): boolean {
    return this.#started
  }

  get health(): ConsumerHealth {
    const lies = this.#status === 'recovering' && this.#faulty('healthSaysConsuming')
    const paused = this.#faulty('pauseNotInHealth') ? undefined : this.#paused
    if (this.#status === 'consuming' && paused !== undefined) return { ...this.ref, status: 'paused', paused }
    return { ...this.ref, status: lies ? 'consuming' : this.#status }
  }

  /**
   * Starts consuming on the connection. A deleted group is created again and reported. Rejects with
   * `MQ_CONNECTION_LOST`, and if the broker refuses.
   */
  async attach(connection: Connection): Promise<void> {
    const { id: consumer } = this
    const ref = this.#located
    const request = { type: 'subscribe', consumer, ref, ...this.#options, concurrency: this.#concurrency } as const
    let found = await connection.ask<'subscribe'>(request)
    while (!found) {
      this.#reportLoss('the group was deleted while its consumer was not connected')
      await connection.ask<'declare'>({ type: 'declare', ref, startAt: 'latest' })
      found = await connection.ask<'subscribe'>(request)
    }
    connection.requireOpen()
    if (this.#faulty('lossKnownWhenBack')) this.#loseRuns(new MqError('MQ_OWNERSHIP_LOST', 'The connection was lost'))
    this.#connection = connection
    for (const [delivery, settlement] of this.#unstored.splice(0)) this.#send({ delivery, connection }, settlement)
    this.#started = true
    if (this.#stopped === undefined) this.#status = 'consuming'
    else this.#ask('cancel')
  }

  get #fetchesMore(): boolean {
    return fetchingFaults.some((fault) => this.#faulty(fault))
  }

  get #concurrency(): number {
    const { concurrency } = this.#options
    if (this.#faulty('ignoresConcurrency')) return 1_000
    if (this.#faulty('concurrencyPlusOne')) return concurrency + 1
    if (this.#faulty('serialises')) return 1
    if (this.#faulty('staleSlots')) return Math.max(0, concurrency - this.#lostRuns)
    if (this.#fetchesMore) return concurrency * 3
    return concurrency
  }

  /** Repeats `attach` until it succeeds or the connection is lost. */
  async resume(connection: Connection): Promise<void> {
    while (this.#stopped === undefined && connection.isOpen) {
      try {
        await this.attach(connection)
        return
      } catch (error) {
        if (isMqError(error, 'MQ_CONNECTION_LOST')) return
        this.#report({ type: 'error', error: error as MqError, ...this.ref })
        await new Promise((resolve) => setTimeout(resolve, resumePauseMs))
      }
    }
  }

  /** Handles a lost connection, with which all its deliveries are lost. */
  lost(error: MqError): void {
    this.#connection = undefined
    if (this.#stopped === undefined) this.#status = 'recovering'
    if (this.#faulty('unhandledRejection')) void Promise.reject(error)
    if (!this.#faulty('lossKnownWhenBack')) this.#loseRuns(error)
  }

  /** Handles a deleted group. Creates it again, so that later messages arrive. */
  async cancelled({ lost, next }: Cancelled, connection: Connection): Promise<void> {
    if (this.#stopped === undefined) this.#status = 'recovering'
    this.#loseRuns(new MqError('MQ_OWNERSHIP_LOST', 'The group was deleted'))
    this.#reportLoss('the group was deleted under its consumer', lost)
    if (this.#stopped !== undefined || this.#faulty('noResumeAfterGroupLoss')) return
    if (!this.#options.ephemeral) {
      await connection.ask<'declare'>({ type: 'declare', ref: this.#located, startAt: next }).catch(() => {})
    }
    await this.resume(connection)
  }

  /** Takes note that the group is paused, or no longer, and gives back what has not started. */
  told(mark: GroupPause | undefined, connection: Connection): void {
    this.#paused = mark
    if (mark === undefined || this.#faulty('pauseRunsFetched')) return
    for (const { push } of this.#fetched.splice(0)) {
      const failure: Failure = { ...unknownFailure(Date.now()), reason: 'error' }
      const counted: Settlement = { kind: 'retry', delayMs: 0, failure }
      const isCounted = this.#faulty('pauseCountsFetched')
      this.#send({ delivery: push.delivery, connection }, isCounted ? counted : { kind: 'release' })
    }
  }

  deliver(push: Deliver, connection: Connection): void {
    const { delivery, message } = push
    if (this.#stopped !== undefined && !this.#faulty('deliversAfterStop')) {
      if (!this.#faulty('stopLeavesConsumer')) this.#send({ delivery, connection }, { kind: 'release' })
      return
    }
    if (this.#broken) return
    if (message.attributes.id !== undefined && this.#handledUnheard.delete(message.attributes.id)) {
      this.#send({ delivery, connection }, { kind: 'done' })
      return
    }
    if (this.#runs.size >= this.#options.concurrency && this.#fetchesMore) {
      this.#fetched.push({ push, connection })
      return
    }
    const isForeign = message.attributes.id === undefined
    if (isForeign && this.#faulty('foreignDropped')) {
      this.#send({ delivery, connection }, { kind: 'done' })
      return
    }
    if (isForeign && this.#faulty('foreignKillsLoop')) {
      this.#broken = true
      return
    }
    this.#start(push, connection)
  }

  #start({ delivery, message, attempt, failure }: Deliver, connection: Connection): void {
    if (attempt === 1 && this.#faulty('undecodableCutsLink') && !isJson(message.body)) {
      connection.break()
      return
    }
    if (this.#faulty('undecodableStaysIll') && !isJson(message.body)) this.#status = 'recovering'
    const run: Run = { delivery, id: message.attributes.id, connection, abort: lazyAbort() }
    this.#runs.set(delivery, run)
    if (this.#faulty('leaseByTimeOfDay')) this.#watchLease(delivery)
    const delivered: Delivery = {
      ...decode(message, this.ref.topic, this.#faulty),
      attempt: this.#faulty('attemptReset') ? 1 : attempt,
      ...(failure && !this.#faulty('failureNotPassedOn') && { failure: this.#told(failure) }),
      get signal() {
        return run.abort.signal
      },
      ...(this.#faulty('lossNotAsked') && { aborted: false }),
    }
    if (this.#faulty('ackBeforeHandler')) this.#send(run, { kind: 'done' })
    this.#starting = run
    void this.#run(delivered).then((settlement) => this.#settle(run, settlement))
    this.#starting = undefined
  }

  #told(failure: Failure): Failure {
    const { traceparent: _, ...untraced } = failure
    return this.#faulty('failureLosesTrace') ? untraced : failure
  }

  async #run(delivery: Delivery): Promise<Settlement> {
    if (this.#faulty('concurrencyPerAdapter')) await this.#adapterTurns.enter(this.#options.concurrency)
    if (this.#faulty('slowBlocksOthers')) await this.#turns.enterTogether()
    try {
      return await this.#handle(delivery)
    } finally {
      if (this.#faulty('concurrencyPerAdapter')) this.#adapterTurns.leave()
      if (this.#faulty('slowBlocksOthers')) this.#turns.leaveTogether()
    }
  }

  /** Ends like its process: later answers of its handlers are ignored. */
  vanish(): void {
    this.#stopped ??= Promise.resolve()
    this.#connection = undefined
    this.#runs.clear()
  }

  stop({ timeoutMs }: StopOptions): Promise<void> {
    this.#stoppedFrom ??= this.#starting
    this.#stopped ??= this.#stop(timeoutMs)
    return this.#stopped
  }

  async #stop(timeoutMs: number): Promise<void> {
    this.#status = 'stopping'
    // The property that closes the intake is set only when this returns, so wait one turn.
    await Promise.resolve()
    if (this.#paused !== undefined && this.#faulty('pausedStopHangs')) await new Promise(() => {})
    const endsAt = performance.now() + timeoutMs
    if (!this.#faulty('deliversAfterStop') && !this.#faulty('stopLeavesConsumer')) this.#ask('pause')
    for (const { push, connection } of this.#fetched.splice(0)) {
      const kind = this.#faulty('stopAcksUnstarted') ? 'done' : 'release'
      this.#send({ delivery: push.delivery, connection }, { kind })
    }
    if (this.#runs.size > 0 && !this.#faulty('noDrain')) await this.#finished(timeoutMs)
    for (const run of [...this.#runs.values()]) {
      if (this.#faulty('stopDropsInFlight')) this.#runs.delete(run.delivery)
      else this.#settle(run, { kind: this.#faulty('stopAcksInFlight') ? 'done' : 'release' })
      if (this.#faulty('noAbortOnStop')) continue
      run.abort.abort(new MqError('MQ_STOPPED', 'The consumer was stopped before the handler had finished'))
    }
    if (!this.#faulty('stopLeavesConsumer')) this.#ask('cancel')
    await this.#answered(Math.max(0, endsAt - performance.now()) + graceMs)
  }

  /** Resolves when no run is left, or at the timeout. */
  async #finished(timeoutMs: number): Promise<void> {
    if (this.#faulty('stopByTimeOfDay')) return this.#finishedBy(Date.now() + timeoutMs)
    await new Promise<void>((resolve) => {
      const waitMs = this.#faulty('stopIgnoresDeadline') ? 60_000 : timeoutMs
      const timer = setTimeout(resolve, Math.min(waitMs, 2 ** 31 - 1))
      this.#idle = () => {
        if (this.#runs.size > 0) return
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async #finishedBy(endsAt: number): Promise<void> {
    while (this.#runs.size > 0 && Date.now() < endsAt) await new Promise((resolve) => setTimeout(resolve, 10))
  }

  /** Loses the runs that began more than a minute ago, by the time of day. */
  #watchLease(delivery: number): void {
    const startedAt = Date.now()
    const timer = setInterval(() => {
      if (!this.#runs.has(delivery)) clearInterval(timer)
      else if (Date.now() - startedAt > 60_000) this.#loseRuns(new MqError('MQ_OWNERSHIP_LOST', 'The lease is over'))
    }, 10)
    timer.unref()
  }

  /** Resolves when the broker has answered everything, the connection is lost, or the time is over. */
  async #answered(timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, Math.min(timeoutMs, 2 ** 31 - 1))
    })
    await Promise.race([Promise.all(this.#settling), late])
    clearTimeout(timer)
  }

  #settle(run: Run, settlement: Settlement): void {
    const isLost = !this.#runs.delete(run.delivery)
    if (isLost) this.#keep(run, settlement)
    if (isLost && this.#faulty('noFencing')) this.#sendLate(run, settlement)
    if (isLost) return
    const isAcked = run === this.#stoppedFrom && this.#faulty('stopInRunAcks')
    const sent = this.#send(run, isAcked ? { kind: 'done' } : this.#carriedOutAs(settlement))
    sent?.catch(() => this.#keep(run, settlement))
    this.#idle?.()
    const next = this.#fetched.shift()
    if (next !== undefined) this.#start(next.push, next.connection)
  }

  #keep({ id }: Run, settlement: Settlement): void {
    if (!this.#standstill.wasPaused || this.#faulty('finishedForgotten')) return
    if (id !== undefined && settlement.kind === 'done') this.#handledUnheard.add(id)
  }

  #carriedOutAs(settlement: Settlement): Settlement {
    if (settlement.kind === 'done' || settlement.kind === 'release') return settlement
    if (this.#faulty('loopDiesOnError')) this.#broken = true
    return this.#faulty('ackOnThrow') ? { kind: 'done' } : settlement
  }

  /** Sends the settlement of a delivery that now belongs to another consumer. */
  #sendLate({ delivery }: Run, settlement: Settlement): void {
    if (this.#connection !== undefined) this.#send({ delivery, connection: this.#connection }, settlement)
  }

  /** Sends a settlement. If it is lost, the message is delivered again. */
  #send(
    { delivery, connection }: Pick<Run, 'delivery' | 'connection'>,
    settlement: Settlement,
  ): Promise<unknown> | undefined {
    if (settlement.kind === 'done') this.#acknowledged += 1
    if (settlement.kind === 'done' && this.#acknowledged % 10 === 0 && this.#faulty('ackForgotten')) return undefined
    const asked = connection.ask<'settle'>({ type: 'settle', delivery, settlement })
    this.#track(asked)
    const isStoredLater =
      (settlement.kind === 'retry' && this.#faulty('retryAfterAnswer')) ||
      (settlement.kind === 'dead' && this.#faulty('deadAfterAnswer'))
    if (isStoredLater) void this.#storeLater(asked, delivery, settlement, connection)
    return asked
  }

  async #storeLater(asked: Promise<unknown>, delivery: number, settlement: Settlement, connection: Connection) {
    try {
      await asked
      await connection.ask<'settle'>({ type: 'settle', delivery, settlement })
    } catch {
      this.#unstored.push([delivery, settlement])
    }
  }

  #ask(type: 'pause' | 'cancel'): void {
    if (this.#connection !== undefined) this.#track(this.#connection.ask({ type, consumer: this.id }))
  }

  #track(asked: Promise<unknown>): void {
    const settling = asked.then(
      () => void this.#settling.delete(settling),
      () => void this.#settling.delete(settling),
    )
    this.#settling.add(settling)
  }

  #loseRuns(error: MqError): void {
    const runs = [...this.#runs.values()]
    this.#lostRuns += runs.length
    this.#fetched = []
    this.#runs.clear()
    const isUntold = this.#faulty('noAbortOnLoss') || (this.#standstill.wasPaused && this.#faulty('pausedLossUntold'))
    if (!isUntold) for (const { abort } of runs) abort.abort(error)
    this.#idle?.()
  }

  #reportLoss(reason: string, count?: number): void {
    if (this.#faulty('silentGroupLoss')) return
    this.#report({ type: 'data-loss', ...this.ref, reason, ...(count !== undefined && { count }) })
  }
}

function isJson(body: Uint8Array): boolean {
  try {
    JSON.parse(Buffer.from(body).toString())
    return true
  } catch {
    return false
  }
}
