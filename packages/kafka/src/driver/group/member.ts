import { setTimeout as sleep } from 'node:timers/promises'
import { backoff, withTimeout } from '@mq/core/adapter'
import type { TopicPartition } from '../cluster.js'
import { errorType, isCoordinatorGone, isFenced, isLinkError } from '../errors.js'
import type { Broker } from '../kafkajs-types.js'
import { commitOffsets, type PartitionOffset } from '../offsets.js'
import { Holdings, without } from './holdings.js'
import { type JoinOptions, joinGeneration } from './join.js'
import type { Membership } from './membership.js'
import type { Share } from './shares.js'

export interface MemberListener {
  /** The member owns these from now on. It counts as joined once this has resolved. */
  assigned(partitions: readonly TopicPartition[]): Promise<void>
  /** These go to other members as soon as this resolves. Until then their work is to be finished and committed. */
  revoked(partitions: readonly TopicPartition[]): Promise<void>
  /** The member has lost all that it owned, and others may own it already. */
  lost(partitions: readonly TopicPartition[], loss: Loss): void
  /** The member is in the group, and gets that many more partitions once their owners have released them. */
  joined(pending: number): void
  /** The member is out of the group, or cannot reach it, and tries to join. */
  failing(error: unknown): void
  /** The state of the member is another one, or the group has given a sign of life. */
  changed?(): void
}

export interface Loss {
  readonly cause: unknown
  /** True if this process itself stood still for about as long as a session, so that the group had to take it for dead. */
  readonly stoodStill: boolean
}

type Wake = 'rebalance' | 'coordinator' | 'expired' | 'fenced' | 'stop'

/**
 * If several wake-ups arrive before the loop runs, the one with the greatest weight wins. Otherwise a fenced member would keep its
 * partitions.
 */
const weights: Readonly<Record<Wake, number>> = { rebalance: 0, coordinator: 1, expired: 2, fenced: 2, stop: 3 }

/** How often the number of partitions is checked. */
const metadataAgeMs = 30_000
/** The part of a session that explains its end if no timer has run for that long. */
const standstillShare = 0.7

/**
 * A membership in a consumer group, from `start` to `stop`. It joins, joins again when the group changes, and starts over after any
 * failure. Its heartbeats have a timer of their own, so that they never wait for handlers.
 */
export class Member implements Membership {
  readonly #options: JoinOptions
  #listener: MemberListener | undefined
  #holdings: Holdings | undefined
  readonly #heartbeatMs: number
  /** The call to the listener that is under way. It may take longer than a generation. */
  #change: Promise<void> | undefined
  /** Its claim when it joined the current generation. */
  #claimed: readonly TopicPartition[] = []
  #memberId = ''
  /** The id with which it was in a generation. The group knows no heartbeats of an id that it has only named. */
  #joinedAs = ''
  #generation = -1
  /** The generation in which it got what it owns. */
  #ownedIn = -1
  #coordinator: Broker | undefined
  #state: 'out' | 'joining' | 'in' = 'out'
  #isAwaited = false
  /** The latest time at which the group certainly knew this member. */
  #lastContact = Number.NEGATIVE_INFINITY
  #heartbeat: NodeJS.Timeout | undefined
  #beating = false
  /** When its timer has run last, and when it last ran after a standstill. */
  #lastBeat = 0
  #stoodStillAt = Number.NEGATIVE_INFINITY
  #wake: ((wake: Wake) => void) | undefined
  #woken: Wake | undefined
  /** The failure that made the member look for the coordinator again. */
  #coordinatorFailure: unknown
  #stopped = false
  readonly #leaving = new AbortController()
  #ended: Promise<void> | undefined

  constructor(options: JoinOptions) {
    this.#options = options
    this.#heartbeatMs = Math.min(options.sessionTimeoutMs / 6, 1_000)
  }

  start(listener: MemberListener): void {
    this.#listener = listener
    this.#holdings = new Holdings(listener)
    this.#lastBeat = performance.now()
    this.#heartbeat = setInterval(() => this.#beat(), this.#heartbeatMs)
    this.#ended = this.#run()
  }

  get isIn(): boolean {
    return this.#state === 'in'
  }

  get isAwaited(): boolean {
    return this.#isAwaited
  }

  get memberId(): string {
    return this.#memberId
  }

  get generation(): number {
    return this.#generation
  }

  /** The time, by `performance.now()`, until which the group certainly keeps what the member owns. */
  get validUntil(): number {
    return this.#lastContact + this.#options.sessionTimeoutMs
  }

  async commit(offsets: readonly PartitionOffset[]): Promise<void> {
    const { cluster, groupId } = this.#options
    // The coordinator answers requests in order, and a join takes too long to wait for.
    if (this.#coordinator === undefined || this.#state !== 'in') throw new Error('The member is not in its group now')
    const as = { groupId, memberId: this.#memberId, generation: this.#generation }
    try {
      // A commit waits for replicas, and heartbeats must not wait behind it.
      await commitOffsets(cluster, await cluster.apart(this.#coordinator, 'commits'), as, offsets)
    } catch (error) {
      if (isFenced(error)) this.fenced(as.generation)
      else if (isCoordinatorGone(error) || isLinkError(error)) this.#reconnect(error)
      throw error
    }
  }

  async stop(timeoutMs: number): Promise<void> {
    const endsAt = performance.now() + timeoutMs
    this.#stopped = true
    clearInterval(this.#heartbeat)
    this.#signal('stop')
    // A join under way would go on at the broker, and hold up the other members until the session times out.
    if (this.#ended !== undefined)
      await withTimeout(this.#ended, timeoutMs / 2, () => new Error('late')).catch(() => {})
    await this.#leave(endsAt)
    this.#leaving.abort()
  }

  async #leave(endsAt: number): Promise<void> {
    const { cluster, groupId } = this.#options
    const [coordinator, memberId] = [this.#coordinator, this.#memberId]
    if (coordinator === undefined || memberId === '') return
    const leftMs = Math.max(1, endsAt - performance.now())
    await cluster.request(coordinator, (broker) => broker.leaveGroup({ groupId, memberId }), leftMs).catch(() => {})
  }

  async #run(): Promise<void> {
    const pauses = backoff({ minMs: 100, maxMs: 2_000, jitter: true })
    while (!this.#stopped) {
      try {
        await this.#join()
        pauses.reset()
      } catch (error) {
        if (this.#stopped) return
        this.#failed(error)
        await sleep(pauses.next())
      }
    }
  }

  /** Lives through one generation, from joining to its end. */
  async #join(): Promise<void> {
    const { cluster, groupId, topics } = this.#options
    this.#enter('joining')
    this.#coordinator = await cluster.coordinator(groupId)
    const share = await this.#joinGeneration(this.#coordinator)
    if (this.#stopped) return
    this.#woken = undefined
    this.#contact(performance.now())
    this.#enter('in')
    const partitionCount = await this.#partitionCount()
    this.#ownedIn = this.#generation
    if (!(await this.#settles(share.partitions)) || this.#stopped) return
    this.#listener?.joined(share.pending)
    await this.#generationEnds(topics, partitionCount)
  }

  /**
   * Releases and takes partitions until the member owns its share. Resolves with false if it is to join again. It does so while its
   * listener still has something to do, if the group changes: otherwise the group would give up a member whose process stands still.
   */
  async #settles(granted: readonly TopicPartition[]): Promise<boolean> {
    for (;;) {
      this.#change ??= this.#nextChange(granted)
      if (this.#change === undefined) break
      const wake = await this.#nextWake({ or: this.#change })
      if (wake === 'rebalance') return false
      if (wake === 'coordinator') throw this.#coordinatorMoved()
      if (wake === undefined) continue
      await this.#change
      return true
    }
    // The group hears that partitions are released when this member joins again.
    const released = without(this.#claimed, [...granted, ...this.#owned])
    return released.length === 0 || this.#woken !== undefined
  }

  #nextChange(granted: readonly TopicPartition[]): Promise<void> | undefined {
    const revoked = without(this.#owned, granted)
    const assigned = without(granted, this.#owned)
    if (revoked.length + assigned.length === 0) return undefined
    const change = revoked.length > 0 ? this.#holdings?.release(revoked) : this.#holdings?.take(assigned)
    const ended = change?.finally(() => {
      this.#change = undefined
    })
    // If it fails while the next generation is joined, it is tried again there.
    ended?.catch(() => {})
    return ended
  }

  async #generationEnds(topics: readonly string[], partitionCount: number): Promise<void> {
    for (;;) {
      const wake = await this.#nextWake({ timeoutMs: metadataAgeMs })
      if (wake === 'stop' || wake === 'rebalance') return
      if (wake === undefined) {
        for (const topic of topics) this.#options.cluster.forget(topic)
        if ((await this.#partitionCount()) !== partitionCount) return
        continue
      }
      if (wake === 'coordinator') throw this.#coordinatorMoved()
      // Partitions may have been assigned since it was fenced.
      this.#lose(this.#fencedError())
      return
    }
  }

  #coordinatorMoved(): unknown {
    return this.#coordinatorFailure ?? new Error(`The coordinator of ${this.#options.groupId} has moved`)
  }

  #joinGeneration(coordinator: Broker): Promise<Share> {
    this.#enter('joining', { isAwaited: true })
    this.#claimed = this.#holdings?.claimed ?? []
    return joinGeneration(this.#options, {
      coordinator,
      memberId: this.#memberId,
      claim: { generation: this.#ownedIn, owned: this.#claimed },
      signal: this.#leaving.signal,
      onNamed: (memberId) => {
        this.#memberId = memberId
      },
      onJoined: ({ memberId, generation }) => {
        this.#memberId = memberId
        this.#joinedAs = memberId
        this.#generation = generation
        this.#contact(performance.now())
      },
    })
  }

  async #partitionCount(): Promise<number> {
    return (await this.#options.cluster.allPartitions(this.#options.topics)).length
  }

  #failed(error: unknown): void {
    this.#enter('out')
    if (isFenced(error)) {
      this.#memberId = ''
      this.#lose(error)
    }
    if (errorType(error) === 'REBALANCE_IN_PROGRESS') return
    this.#coordinator = undefined
    this.#listener?.failing(error)
  }

  #lose(cause: unknown): void {
    this.#ownedIn = -1
    const stoodStill = performance.now() - this.#stoodStillAt < this.#options.sessionTimeoutMs
    this.#holdings?.lose({ cause, stoodStill })
  }

  #beat(): void {
    const now = performance.now()
    if (now - this.#lastBeat > this.#options.sessionTimeoutMs * standstillShare) this.#stoodStillAt = now
    this.#lastBeat = now
    this.requireOwned()
    // The group may wait for another member longer than a session, and takes this one for dead if it is silent meanwhile.
    const mayBeKnown = this.#memberId !== '' && this.#memberId === this.#joinedAs
    const isKnown = this.#state === 'in' || (this.#state === 'joining' && mayBeKnown)
    if (!isKnown || this.#beating || this.#coordinator === undefined) return
    this.#beating = true
    void this.#sendHeartbeat(this.#coordinator).finally(() => {
      this.#beating = false
    })
  }

  async #sendHeartbeat(coordinator: Broker): Promise<void> {
    const { cluster, groupId } = this.#options
    const [memberId, generation, sentAt] = [this.#memberId, this.#generation, performance.now()]
    try {
      await cluster.request(coordinator, (broker) =>
        broker.heartbeat({ groupId, memberId, groupGenerationId: generation }),
      )
      this.#contact(sentAt)
    } catch (error) {
      if (generation !== this.#generation) return
      if (errorType(error) === 'REBALANCE_IN_PROGRESS') {
        this.#contact(sentAt)
        this.#signal('rebalance')
      } else if (errorType(error) === 'ILLEGAL_GENERATION' && this.#state === 'joining') {
        // The next generation has begun, and its number is on its way.
      } else if (isFenced(error)) {
        if (errorType(error) === 'UNKNOWN_MEMBER_ID') this.#memberId = ''
        this.fenced(generation)
      } else this.#reconnect(error)
    }
  }

  /** Gives up the partitions at once, so that the next generation is joined without a claim to them. */
  fenced(generation: number): void {
    if (generation !== this.#generation) return
    if (!this.#stopped) this.#lose(this.#fencedError())
    this.#signal('fenced')
  }

  /** Gives up what it owns, because its process has done so already. */
  giveUp(cause: unknown): void {
    if (this.#stopped) return
    this.#lose(cause)
    this.#signal('fenced')
  }

  get #owned(): readonly TopicPartition[] {
    return this.#holdings?.owned ?? []
  }

  #fencedError(): Error {
    return new Error(`The group ${this.#options.groupId} went on without this member`)
  }

  #reconnect(error: unknown): void {
    this.#coordinatorFailure = error
    this.#signal('coordinator')
  }

  requireOwned(): void {
    if (performance.now() <= this.validUntil || this.#owned.length === 0) return
    // The group may have given everything to others, whether it can be reached or not.
    this.#lose(new Error(`No sign of life from the group ${this.#options.groupId} within the session timeout`))
    this.#signal('expired')
  }

  #contact(at: number): void {
    this.#lastContact = Math.max(this.#lastContact, at)
    this.#listener?.changed?.()
  }

  #enter(state: 'out' | 'joining' | 'in', { isAwaited = false } = {}): void {
    this.#state = state
    this.#isAwaited = isAwaited
    this.#listener?.changed?.()
  }

  #signal(wake: Wake): void {
    if (this.#woken === undefined || weights[wake] > weights[this.#woken]) this.#woken = wake
    this.#wake?.(this.#woken)
  }

  /** Resolves with undefined when the time is over, or when `or` has ended. Rejects if that has failed. */
  async #nextWake({
    timeoutMs,
    or,
  }: {
    readonly timeoutMs?: number
    readonly or?: Promise<void>
  }): Promise<Wake | undefined> {
    if (this.#woken !== undefined) return this.#woken
    let timer: NodeJS.Timeout | undefined
    try {
      return await new Promise<Wake | undefined>((resolve, reject) => {
        this.#wake = resolve
        if (timeoutMs !== undefined) timer = setTimeout(() => resolve(undefined), timeoutMs)
        or?.then(() => resolve(undefined), reject)
      })
    } finally {
      clearTimeout(timer)
      this.#wake = undefined
    }
  }
}
