import {
  type AdapterEvent,
  backoff,
  type ConsumeOptions,
  type Consumer,
  type ConsumerHealth,
  type GroupPause,
  type GroupRef,
  type Handle,
  MqError,
  type Settlement,
  type StopOptions,
} from '@mq/core/adapter'
import { operationError, type StatementError, statementError, willPass } from '../connection/errors.js'
import { settledWithin } from '../connection/waiters.js'
import { inSchema } from '../topology/names.js'
import type { Listener } from './announcer.js'
import type { Common } from './common.js'
import { declareGroup, dropGroup, type Place } from './place.js'
import { type Claimed, type Run, Runs } from './runs.js'
import { Seat } from './seat.js'
import { TakeSize } from './take-size.js'
import type { GroupState, Watched } from './watch.js'

/** A consumer as the adapter sees it. */
export interface RunningConsumer extends Consumer {
  health(): ConsumerHealth
}

export interface ConsumerParts {
  readonly ref: GroupRef
  readonly options: ConsumeOptions
  readonly handle: Handle
  readonly common: Common
  readonly report: (event: AdapterEvent) => void
}

/** How long a stop may take beyond its timeout to give messages back. */
const leaveMs = 1_000
/** Longer than it takes to learn what was claimed, so that it can be given back without an attempt. */
const minGraceMs = 500
const minPauseMs = 20
const maxPauseMs = 1_000
/** How many messages wait for an ephemeral group before the oldest are dropped and reported. */
const maxEphemeralBacklog = 10_000
const done: Settlement = { kind: 'done' }

const stoppedError = (): MqError =>
  new MqError('MQ_STOPPED', 'The subscription was stopped before the handler had finished')

/** Starts a consumer of a declared group, or of an ephemeral one, which it makes. Rejects with `MQ_OPERATION_FAILED`. */
export async function startConsumer(parts: ConsumerParts): Promise<RunningConsumer> {
  const consumer = new GroupConsumer(parts)
  await consumer.start()
  return consumer
}

class GroupConsumer implements RunningConsumer, Watched, Listener {
  readonly #parts: ConsumerParts
  readonly #runs: Runs
  readonly #seat: Seat
  readonly #size = new TakeSize()
  readonly #pauses = backoff({ minMs: minPauseMs, maxMs: maxPauseMs })
  #place: Place = { grp: '0', topicId: '0' }
  #paused: GroupPause | undefined
  /** Whether there may be messages that nobody has asked for yet. */
  #mayHaveMore = true
  #isTaking = false
  #isFailing = false
  /** Whether the database may have claimed messages for this consumer of which it does not know. */
  #isInDoubt = false
  #isRestoring = false
  #isStopping = false
  #lastKey = ''
  #retry: NodeJS.Timeout | undefined
  #taking: Promise<void> = Promise.resolve()
  #stopped: Promise<void> | undefined

  constructor(parts: ConsumerParts) {
    this.#parts = parts
    const { common, options } = parts
    this.#runs = new Runs(options.concurrency, () => this.#pump())
    this.#seat = new Seat({ schema: common.settings.schema, link: common.link, process: common.membership.id })
  }

  get topic(): string {
    return this.#parts.ref.topic
  }
  get topicId(): string {
    return this.#place.topicId
  }
  get grp(): string {
    return this.#place.grp
  }

  async start(): Promise<void> {
    const { common } = this.#parts
    try {
      await common.watch.renewIfDue()
      await this.#sit()
    } catch (error) {
      throw operationError(`Subscribing to '${this.topic}'`, error)
    }
    common.watch.add(this)
    common.announcer.add(this)
    this.#pump()
  }

  health(): ConsumerHealth {
    const { ref, common } = this.#parts
    if (this.#isStopping) return { ...ref, status: 'stopping' }
    const isWell = common.link.isUp && !this.#isFailing && !this.#isRestoring && this.#seat.id !== undefined
    if (!isWell) return { ...ref, status: 'recovering' }
    return this.#paused === undefined
      ? { ...ref, status: 'consuming' }
      : { ...ref, status: 'paused', paused: this.#paused }
  }

  wake(): void {
    this.#mayHaveMore = true
    this.#pump()
  }

  onLook(state: GroupState | undefined): void {
    if (state === undefined) return void this.#restore()
    this.#paused = state.paused
    if (state.hasReady) this.#mayHaveMore = true
    this.#pump()
  }

  onLeaseOver(): void {
    const reason = new MqError('MQ_CONNECTION_LOST', 'The claim on the message could not be renewed in time')
    this.#loseAll(
      this.#runs.all.filter(({ isSettling }) => !isSettling),
      reason,
    )
  }

  onForgotten(): void {
    const reason = new MqError('MQ_OWNERSHIP_LOST', 'The server has taken this process for gone')
    this.#loseAll(
      this.#runs.all.filter(({ isSettling }) => !isSettling),
      reason,
    )
    this.#seat.id = undefined
    void this.#restore()
  }

  onTick(): void {
    this.#seat.giveUpLost().catch(() => {})
    if (this.#seat.id === undefined) void this.#restore()
    if (this.#parts.options.ephemeral) this.#dropBacklog().catch(() => {})
  }

  stop({ timeoutMs }: StopOptions): Promise<void> {
    this.#stopped ??= this.#stop(timeoutMs)
    return this.#stopped
  }

  async #stop(timeoutMs: number): Promise<void> {
    this.#isStopping = true
    clearTimeout(this.#retry)
    const { common, options } = this.#parts
    const endsAt = performance.now() + timeoutMs
    await settledWithin(this.#taking, Math.max(timeoutMs, minGraceMs))
    await this.#runs.idle(Math.max(0, endsAt - performance.now()))
    const reason = stoppedError()
    for (const run of this.#runs.all) this.#runs.lose(run, reason)
    common.announcer.remove(this)
    const leaving = this.#leave(options.ephemeral)
    await settledWithin(leaving, leaveMs)
    common.watch.remove(this)
  }

  /** Gives back what is left, again and again if need be: as long as the process lives, nobody else would. */
  async #leave(isEphemeral: boolean): Promise<void> {
    const { common } = this.#parts
    const { link, settings } = common
    while (!link.isClosed) {
      try {
        await this.#seat.giveUpLost()
        await this.#seat.leave(this.grp)
        if (isEphemeral) await dropGroup(link.consuming, settings, this.grp)
        // Others may take at once what was given back.
        if (!isEphemeral) common.announcer.messages(this.topicId)
        return
      } catch {
        await link.whenUp(maxPauseMs)
        if (!link.isClosed) await new Promise((resolve) => setTimeout(resolve, minPauseMs))
      }
    }
  }

  /** Makes the group unless it is there, and makes this consumer known. */
  async #sit(): Promise<void> {
    const { common, ref, options } = this.#parts
    const process = options.ephemeral ? { process: common.membership.id } : {}
    this.#place = await declareGroup(common.link.consuming, common.settings, { ref, isEarliest: false, ...process })
    await this.#seat.sit(this.grp)
  }

  /** Makes the group again that somebody has deleted, or makes this consumer known again. */
  async #restore(): Promise<void> {
    if (this.#isRestoring || this.#isStopping) return
    this.#isRestoring = true
    const { report, ref } = this.#parts
    const before = this.#place.grp
    try {
      const isForgotten = this.#seat.id === undefined
      if (!isForgotten) this.#loseAll(this.#runs.all, new MqError('MQ_OWNERSHIP_LOST', 'The group was deleted'))
      await this.#parts.common.watch.renewIfDue()
      await this.#sit()
      this.#paused = undefined
      if (before !== this.grp) {
        const reason = isForgotten
          ? 'the server has taken this process for gone'
          : 'the group was deleted under its consumers'
        report({ type: 'data-loss', ...ref, reason })
      }
      this.wake()
    } catch {
      // The next look comes back to it.
    } finally {
      this.#isRestoring = false
    }
    if (this.#isStopping) await this.#seat.leave(this.grp).catch(() => {})
  }

  #loseAll(runs: readonly Run[], reason: MqError): void {
    this.#seat.noteLost(runs)
    for (const run of runs) this.#runs.lose(run, reason)
  }

  get #mayTake(): boolean {
    const { link, membership } = this.#parts.common
    const isReady = this.#seat.id !== undefined && !this.#isStopping && !this.#isRestoring && this.#paused === undefined
    return isReady && this.#runs.free > 0 && link.isUp && membership.lease.isValid
  }

  /** Takes messages after this turn of the event loop, if there may be some and there is room for them. */
  #pump(): void {
    if (this.#isTaking || !this.#mayHaveMore || !this.#mayTake) return
    this.#isTaking = true
    this.#taking = new Promise((resolve) => setImmediate(resolve)).then(() => this.#take())
  }

  async #take(): Promise<void> {
    try {
      if (!this.#mayTake) return
      if (this.#isInDoubt) await this.#seat.move(this.grp, this.#runs.all)
      this.#isInDoubt = false
      this.#mayHaveMore = false
      await this.#takeOnce(Math.min(this.#runs.free, this.#size.max))
      this.#isFailing = false
      this.#pauses.reset()
    } catch (cause) {
      this.#onFailure(statementError(cause))
    } finally {
      this.#isTaking = false
    }
    if (!this.#isFailing) this.#pump()
  }

  async #takeOnce(max: number): Promise<void> {
    const { common, options, ref, report } = this.#parts
    const { take, link } = common
    const request = { topic: this.topic, grp: this.grp, consumer: this.#seat.id ?? '0', max }
    const after = this.#lastKey
    const { claimed, gone } = options.ordered
      ? await take.ordered(link.consuming, request, after)
      : await take.plain(link.consuming, request)
    if (gone > 0) report({ type: 'data-loss', ...ref, reason: 'messages were removed from the table', count: gone })
    this.#size.note(claimed)
    // Keys take turns: the next look begins behind the last one, and at the beginning after the end.
    this.#lastKey = claimed.length < max ? '' : lastKeyOf(claimed, after)
    if (claimed.length === max || gone > 0 || (options.ordered && after !== '')) this.#mayHaveMore = true
    this.#begin(claimed)
  }

  #begin(claimed: readonly Claimed[]): void {
    const { common, handle, options } = this.#parts
    const isOver = this.#isStopping || this.#paused !== undefined || !common.membership.lease.isValid
    for (const one of claimed) {
      const run = this.#runs.begin(one)
      if (isOver) this.#settle(run, { kind: 'release' })
      else void handle(run).then((settlement) => this.#settle(run, options.ephemeral ? done : settlement))
    }
  }

  #settle(run: Run, settlement: Settlement): void {
    const { common, options } = this.#parts
    common.settler.settle({
      run,
      runs: this.#runs,
      settlement,
      onSettled: () => {
        common.sweeper.noteUse(this.topic)
        // The key of the message is free again.
        if (options.ordered) this.#mayHaveMore = true
        if (settlement.kind === 'retry') this.#expectRetry(settlement.delayMs)
      },
    })
  }

  #expectRetry(delayMs: number): void {
    if (delayMs <= 0) this.wake()
    else this.#parts.common.watch.lookWithin(delayMs)
  }

  #onFailure(error: StatementError): void {
    this.#isFailing = true
    this.#mayHaveMore = true
    if (error.kind === 'unanswered') this.#isInDoubt = true
    if (error.kind === 'refused' && !willPass(error)) {
      this.#parts.report({ type: 'error', error: operationError('Taking messages', error), ...this.#parts.ref })
    }
    this.#retry = setTimeout(() => {
      this.#isFailing = false
      this.#pump()
    }, this.#pauses.next())
  }

  async #dropBacklog(): Promise<void> {
    const { common, ref, report } = this.#parts
    const text = `WITH newest AS (
      SELECT d.message FROM mq.deliveries d WHERE d.grp = $1 AND d.state = 'r' ORDER BY d.message DESC OFFSET $2 LIMIT 1
    ), gone AS (
      DELETE FROM mq.deliveries d USING newest n WHERE d.grp = $1 AND d.state = 'r' AND d.message <= n.message RETURNING 1
    ) SELECT count(*)::int AS count FROM gone`
    const values = [this.grp, maxEphemeralBacklog]
    const [row] = await common.link.consuming.query(inSchema(text, common.settings.schema), values)
    const count = Number(row?.count ?? 0)
    const reason = `an ephemeral subscription fell ${maxEphemeralBacklog} messages behind`
    if (count > 0) report({ type: 'data-loss', ...ref, reason, count })
  }
}

/** Returns the last of the keys in the order of the database, which is that of their bytes. */
function lastKeyOf(claimed: readonly Claimed[], before: string): string {
  let last = before
  for (const { message } of claimed) {
    if (message.key !== undefined && Buffer.compare(Buffer.from(message.key), Buffer.from(last)) > 0) last = message.key
  }
  return last
}
