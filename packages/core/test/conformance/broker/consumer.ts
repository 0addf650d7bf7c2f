import { randomUUID } from 'node:crypto'
import {
  type AdapterEvent,
  type ConsumeOptions,
  type Consumer,
  type ConsumerHealth,
  type Deadline,
  type Delivery,
  type Handle,
  isMqError,
  type LazyAbort,
  lazyAbort,
  MqError,
  type Settlement,
  type Source,
} from '../../../src/index.js'
import { decode } from './codec.js'
import type { Connection } from './connection.js'
import type { Push } from './wire.js'

/** One call of `handle`. Whatever ends it first removes it from `#runs`; what comes after that is void. */
interface Run {
  readonly delivery: number
  readonly connection: Connection
  readonly abort: LazyAbort
}

type Deliver = Push & { readonly type: 'deliver' }
type Cancelled = Push & { readonly type: 'cancelled' }

/** How long after its deadline `stop` waits for the broker's last answers. */
const graceMs = 200
const resumePauseMs = 20

/** A consumer of one group, over one connection after the other. */
export class GroupConsumer implements Consumer {
  readonly id = randomUUID()
  readonly source: Source
  readonly #options: ConsumeOptions
  readonly #handle: Handle
  readonly #report: (event: AdapterEvent) => void
  readonly #runs = new Map<number, Run>()
  readonly #settling = new Set<Promise<void>>()
  #connection: Connection | undefined
  #status: ConsumerHealth['status'] = 'recovering'
  #idle: (() => void) | undefined
  #stopped: Promise<void> | undefined
  #started = false

  constructor(source: Source, options: ConsumeOptions, handle: Handle, report: (event: AdapterEvent) => void) {
    this.source = source
    this.#options = options
    this.#handle = handle
    this.#report = report
  }

  /** Whether it has consumed before; a first attempt that fails is its caller's to repeat. */
  get isStarted(): boolean {
    return this.#started
  }

  get health(): ConsumerHealth {
    return { ...this.source, status: this.#status }
  }

  /** Rejects with `MQ_CONNECTION_LOST` and what the broker refuses. A group that is gone is made again, and reported. */
  async attach(connection: Connection): Promise<void> {
    const { source, id: consumer } = this
    const request = { type: 'subscribe', consumer, source, ...this.#options } as const
    let found = await connection.ask<'subscribe'>(request)
    while (!found) {
      this.#reportLoss('the group was deleted while its consumer was not connected')
      await connection.ask<'declare'>({ type: 'declare', source, startAt: 'latest' })
      found = await connection.ask<'subscribe'>(request)
    }
    this.#connection = connection
    this.#started = true
    if (this.#stopped === undefined) this.#status = 'consuming'
    else this.#ask('cancel')
  }

  /** As `attach`, until it has worked or the connection is gone. */
  async resume(connection: Connection): Promise<void> {
    while (this.#stopped === undefined && connection.isOpen) {
      try {
        await this.attach(connection)
        return
      } catch (error) {
        if (isMqError(error, 'MQ_CONNECTION_LOST')) return
        this.#report({ type: 'error', error: error as MqError, source: this.source })
        await new Promise((resolve) => setTimeout(resolve, resumePauseMs))
      }
    }
  }

  /** The connection is gone, and with it all that was delivered over it. */
  lost(error: MqError): void {
    this.#connection = undefined
    if (this.#stopped === undefined) this.#status = 'recovering'
    this.#loseRuns(error)
  }

  /** The group was deleted. It is made again, so that what is published from now on arrives. */
  async cancelled({ lost, next }: Cancelled, connection: Connection): Promise<void> {
    if (this.#stopped === undefined) this.#status = 'recovering'
    this.#loseRuns(new MqError('MQ_OWNERSHIP_LOST', 'The group was deleted'))
    this.#reportLoss('the group was deleted under its consumer', lost)
    if (this.#stopped !== undefined) return
    if (!this.#options.ephemeral) {
      await connection.ask<'declare'>({ type: 'declare', source: this.source, startAt: next }).catch(() => {})
    }
    await this.resume(connection)
  }

  deliver({ delivery, message, attempt, failure }: Deliver, connection: Connection): void {
    if (this.#stopped !== undefined) {
      this.#send({ delivery, connection }, { kind: 'release' })
      return
    }
    const run: Run = { delivery, connection, abort: lazyAbort() }
    this.#runs.set(delivery, run)
    const delivered: Delivery = {
      ...decode(message, this.source.topic),
      attempt,
      ...(failure && { failure }),
      get signal() {
        return run.abort.signal
      },
    }
    void this.#handle(delivered).then((settlement) => this.#settle(run, settlement))
  }

  /** Its process has ended: whatever its handlers answer now goes nowhere. */
  vanish(): void {
    this.#stopped ??= Promise.resolve()
    this.#connection = undefined
    this.#runs.clear()
  }

  stop({ deadlineMs }: Deadline): Promise<void> {
    this.#stopped ??= this.#stop(deadlineMs)
    return this.#stopped
  }

  async #stop(deadlineMs: number): Promise<void> {
    this.#status = 'stopping'
    // The property that closes the intake is set only when this returns, so give it its turn.
    await Promise.resolve()
    const endsAt = performance.now() + deadlineMs
    this.#ask('pause')
    if (this.#runs.size > 0) await this.#finished(deadlineMs)
    for (const run of [...this.#runs.values()]) {
      this.#settle(run, { kind: 'release' })
      run.abort.abort(new MqError('MQ_STOPPED', 'The consumer was stopped before the handler had finished'))
    }
    this.#ask('cancel')
    await this.#answered(Math.max(0, endsAt - performance.now()) + graceMs)
  }

  /** Resolves when no run is left, or at the deadline. */
  async #finished(deadlineMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(deadlineMs, 2 ** 31 - 1))
      this.#idle = () => {
        if (this.#runs.size > 0) return
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Resolves when the broker has answered everything, its connection is gone, or the time is over. */
  async #answered(timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, Math.min(timeoutMs, 2 ** 31 - 1))
    })
    await Promise.race([Promise.all(this.#settling), late])
    clearTimeout(timer)
  }

  #settle(run: Run, settlement: Settlement): void {
    if (!this.#runs.delete(run.delivery)) return
    this.#send(run, settlement)
    this.#idle?.()
  }

  /** What is lost on its way is delivered again. */
  #send({ delivery, connection }: Pick<Run, 'delivery' | 'connection'>, settlement: Settlement): void {
    this.#track(connection.ask<'settle'>({ type: 'settle', delivery, settlement }))
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
    this.#runs.clear()
    for (const { abort } of runs) abort.abort(error)
    this.#idle?.()
  }

  #reportLoss(reason: string, count?: number): void {
    this.#report({ type: 'data-loss', source: this.source, reason, ...(count !== undefined && { count }) })
  }
}
