import { withTimeout } from '@mq/core/adapter'
import type { Cluster } from '../../cluster.js'
import { errorType, isCoordinatorGone, isFenced, isLinkError } from '../../errors.js'
import type { Broker } from '../../kafkajs-types.js'
import { commitOffsets, type PartitionOffset } from '../../offsets.js'
import { Holdings } from '../holdings.js'
import type { MemberListener } from '../member.js'
import type { Membership } from '../membership.js'
import { errorOf, partsOf } from './error-parts.js'
import type { MemberThread } from './member-thread.js'
import type { FromThread, MemberPlan, MemberState } from './messages.js'
import { sharedNow } from './monotonic.js'

export interface ThreadMemberOptions {
  readonly plan: MemberPlan
  /** Carries the commits, which the main thread sends itself. */
  readonly cluster: Cluster
  /** True if the session may be longer than in the plan, because nobody has asked for that one. */
  readonly mayBeLonger: boolean
  /** Makes the member that takes its place if it cannot go on. */
  readonly replace: (reason: ReplaceReason) => Membership
}

/** The broker refuses so short a session, or the thread has ended after that time. */
export type ReplaceReason = 'session' | { readonly threadLivedMs: number }

/** The thread, as far as one member uses it. */
type MemberHost = Pick<MemberThread, 'add' | 'post' | 'remove'>

const checkEveryMs = 250
/** The part of a session that explains its end if this thread has stood still for that long. */
const standstillShare = 0.7
const out: MemberState = { isIn: false, isAwaited: false, memberId: '', generation: -1 }

/** A member that lives in another thread, so that it stays in its group while this one stands still. */
export class ThreadMember implements Membership {
  readonly #thread: MemberHost
  readonly #number: number
  readonly #options: ThreadMemberOptions
  readonly #validity = new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT)
  readonly #validUntil = new Float64Array(this.#validity)
  #listener: MemberListener | undefined
  #state = out
  #holdings: Holdings | undefined
  /** How often the thread has said that everything is lost. */
  #losses = 0
  /** Does what the thread asks for, in that order. */
  #changes: Promise<void> = Promise.resolve()
  #coordinator: Broker | undefined
  #check: NodeJS.Timeout | undefined
  #lastCheck = performance.now()
  #stoodStillAt = Number.NEGATIVE_INFINITY
  #replacement: Membership | undefined
  #onStopped: (() => void) | undefined
  #isStopped = false

  constructor(thread: MemberHost, options: ThreadMemberOptions) {
    this.#thread = thread
    this.#options = options
    this.#validUntil[0] = Number.NEGATIVE_INFINITY
    this.#number = thread.add({
      message: (message) => this.#receive(message),
      ended: (error, livedMs) => this.#ended(error, livedMs),
    })
  }

  get isIn(): boolean {
    return this.#replacement?.isIn ?? this.#state.isIn
  }

  get isAwaited(): boolean {
    return this.#replacement?.isAwaited ?? this.#state.isAwaited
  }

  start(listener: MemberListener): void {
    this.#listener = listener
    this.#holdings = new Holdings(listener)
    const { plan } = this.#options
    this.#thread.post({ type: 'start', member: this.#number, plan, validity: this.#validity })
    this.#lastCheck = performance.now()
    this.#check = setInterval(() => {
      this.#noticeStandstill()
      this.requireOwned()
    }, checkEveryMs)
  }

  requireOwned(): void {
    if (this.#replacement !== undefined) this.#replacement.requireOwned()
    else if (this.#holdings?.owned.length && !(sharedNow() <= (this.#validUntil[0] ?? 0))) {
      this.#noticeStandstill()
      const cause = new Error(`No sign of life from the group ${this.#options.plan.groupId} within the session timeout`)
      this.#holdings.lose({ cause, stoodStill: this.#hasStoodStill })
      // The thread may hear from the group right now, and believe that it still has everything.
      this.#thread.post({ type: 'lost', member: this.#number, cause: partsOf(cause), losses: this.#losses })
    }
  }

  async commit(offsets: readonly PartitionOffset[]): Promise<void> {
    if (this.#replacement !== undefined) return await this.#replacement.commit(offsets)
    const { cluster, plan } = this.#options
    const { isIn, memberId, generation } = this.#state
    if (!isIn) throw new Error('The member is not in its group now')
    try {
      this.#coordinator ??= await cluster.coordinator(plan.groupId)
      const apart = await cluster.apart(this.#coordinator, 'commits')
      await commitOffsets(cluster, apart, { groupId: plan.groupId, memberId, generation }, offsets)
    } catch (error) {
      // The thread knows whether this generation is still the latest one.
      if (isFenced(error)) this.#thread.post({ type: 'fenced', member: this.#number, generation })
      if (isCoordinatorGone(error) || isLinkError(error)) this.#coordinator = undefined
      throw error
    }
  }

  async stop(timeoutMs: number): Promise<void> {
    this.#isStopped = true
    clearInterval(this.#check)
    if (this.#replacement !== undefined) return await this.#replacement.stop(timeoutMs)
    const stopped = new Promise<void>((resolve) => {
      this.#onStopped = resolve
    })
    this.#thread.post({ type: 'stop', member: this.#number, timeoutMs })
    await withTimeout(stopped, timeoutMs, () => new Error('late')).catch(() => {})
    this.#thread.remove(this.#number)
  }

  #receive(message: FromThread): void {
    if (message.type === 'stopped') {
      this.#onStopped?.()
      return
    }
    if (this.#isStopped) return
    if (message.type === 'state') this.#state = message.state
    else if (message.type === 'joined') this.#listener?.joined(message.pending)
    else if (message.type === 'failing') this.#failing(errorOf(message.error))
    else if (message.type === 'lost') {
      this.#losses += 1
      this.#noticeStandstill()
      const stoodStill = message.stoodStill || this.#hasStoodStill
      this.#holdings?.lose({ cause: errorOf(message.cause), stoodStill })
    } else this.#changes = this.#changes.then(() => this.#change(message))
  }

  /** Takes or releases what the thread says, and answers when that is done. */
  async #change({ call, type, partitions }: FromThread & { readonly type: 'assigned' | 'revoked' }): Promise<void> {
    if (this.#isStopped || this.#replacement !== undefined) return
    const answer = { type: 'taken', member: this.#number, call } as const
    try {
      await (type === 'assigned' ? this.#holdings?.take(partitions) : this.#holdings?.release(partitions))
      this.#thread.post(answer)
    } catch (error) {
      this.#thread.post({ ...answer, error: partsOf(error) })
    }
  }

  #failing(error: Error): void {
    if (errorType(error) !== 'INVALID_SESSION_TIMEOUT' || !this.#options.mayBeLonger) {
      this.#listener?.failing(error)
      return
    }
    // The broker is configured to refuse sessions as short as this one.
    this.#thread.post({ type: 'stop', member: this.#number, timeoutMs: 1 })
    this.#thread.remove(this.#number)
    this.#goOn('session')
  }

  #ended(error: Error, threadLivedMs: number): void {
    this.#onStopped?.()
    if (this.#isStopped || this.#listener === undefined) return
    this.#holdings?.lose({ cause: error, stoodStill: false })
    this.#listener.failing(error)
    this.#goOn({ threadLivedMs })
  }

  #goOn(reason: ReplaceReason): void {
    const listener = this.#listener
    if (listener === undefined) return
    this.#state = out
    clearInterval(this.#check)
    const replacement = this.#options.replace(reason)
    this.#replacement = replacement
    // Otherwise a share that is being taken would be lost together with that of the other member.
    void this.#changes.then(() => {
      if (!this.#isStopped) replacement.start(listener)
    })
  }

  get #hasStoodStill(): boolean {
    return performance.now() - this.#stoodStillAt < this.#options.plan.sessionTimeoutMs
  }

  #noticeStandstill(): void {
    const now = performance.now()
    if (now - this.#lastCheck > this.#options.plan.sessionTimeoutMs * standstillShare) this.#stoodStillAt = now
    this.#lastCheck = now
  }
}
