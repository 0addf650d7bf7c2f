import { setTimeout as sleep } from 'node:timers/promises'
import { backoff, withTimeout } from '@mq/core/adapter'
import { nameOf, type TopicPartition } from '../cluster.js'
import { errorType, isCoordinatorGone, isFenced, isLinkError } from '../errors.js'
import type { Broker } from '../kafkajs-types.js'
import { commitOffsets, type PartitionOffset } from '../offsets.js'
import { type JoinOptions, joinGeneration } from './join.js'
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
export class Member {
  readonly #options: JoinOptions
  #listener: MemberListener | undefined
  readonly #heartbeatMs: number
  #owned: readonly TopicPartition[] = []
  #memberId = ''
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
    this.#heartbeatMs = Math.min(options.sessionTimeoutMs / 10, 1_000)
  }

  start(listener: MemberListener): void {
    this.#listener = listener
    this.#lastBeat = performance.now()
    this.#heartbeat = setInterval(() => this.#beat(), this.#heartbeatMs)
    this.#ended = this.#run()
  }

  get isIn(): boolean {
    return this.#state === 'in'
  }

  /** True while the group waits for other members before this one is in it, at most until it takes the silent ones for dead. */
  get isAwaited(): boolean {
    return this.#isAwaited
  }

  /** Commits in the current generation. Rejects if the group no longer takes this for one of its members. */
  async commit(offsets: readonly PartitionOffset[]): Promise<void> {
    const { cluster, groupId } = this.#options
    // The coordinator answers requests in order, and a join takes too long to wait for.
    if (this.#coordinator === undefined || this.#state !== 'in') throw new Error('The member is not in its group now')
    const as = { groupId, memberId: this.#memberId, generation: this.#generation }
    try {
      // A commit waits for replicas, and heartbeats must not wait behind it.
      await commitOffsets(cluster, await cluster.apart(this.#coordinator, 'commits'), as, offsets)
    } catch (error) {
      if (isFenced(error)) this.#fenced(as.generation)
      else if (isCoordinatorGone(error) || isLinkError(error)) this.#reconnect(error)
      throw error
    }
  }

  /** Leaves the group, if it can be reached in time. The listener is not called any more. */
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
    this.#state = 'joining'
    this.#coordinator = await cluster.coordinator(groupId)
    const share = await this.#joinGeneration(this.#coordinator)
    this.#isAwaited = false
    if (this.#stopped) return
    this.#woken = undefined
    this.#state = 'in'
    this.#lastContact = performance.now()
    const partitionCount = await this.#partitionCount()
    const granted = new Set(share.partitions.map(nameOf))
    const owned = new Set(this.#owned.map(nameOf))
    const revoked = this.#owned.filter((at) => !granted.has(nameOf(at)))
    const assigned = share.partitions.filter((at) => !owned.has(nameOf(at)))
    this.#ownedIn = this.#generation
    if (revoked.length > 0) {
      await this.#listener?.revoked(revoked)
      if (this.#stopped) return
      const gone = new Set(revoked.map(nameOf))
      this.#owned = this.#owned.filter((at) => !gone.has(nameOf(at)))
    }
    if (assigned.length > 0) {
      await this.#listener?.assigned(assigned)
      this.#owned = [...this.#owned, ...assigned]
    }
    if (this.#stopped) return
    // The group hears that partitions are released when this member joins again.
    if (revoked.length > 0 && this.#woken === undefined) return
    this.#listener?.joined(share.pending)
    await this.#generationEnds(topics, partitionCount)
  }

  async #generationEnds(topics: readonly string[], partitionCount: number): Promise<void> {
    for (;;) {
      const wake = await this.#nextWake(metadataAgeMs)
      if (wake === 'stop' || wake === 'rebalance') return
      if (wake === undefined) {
        for (const topic of topics) this.#options.cluster.forget(topic)
        if ((await this.#partitionCount()) !== partitionCount) return
        continue
      }
      if (wake === 'coordinator')
        throw this.#coordinatorFailure ?? new Error(`The coordinator of ${this.#options.groupId} has moved`)
      // Partitions may have been assigned since it was fenced.
      this.#lose(this.#fencedError())
      return
    }
  }

  #joinGeneration(coordinator: Broker): Promise<Share> {
    this.#isAwaited = true
    return joinGeneration(this.#options, {
      coordinator,
      memberId: this.#memberId,
      claim: { generation: this.#ownedIn, owned: this.#owned },
      signal: this.#leaving.signal,
      onNamed: (memberId) => {
        this.#memberId = memberId
      },
      onJoined: ({ memberId, generation }) => {
        this.#memberId = memberId
        this.#generation = generation
        this.#lastContact = performance.now()
      },
    })
  }

  async #partitionCount(): Promise<number> {
    return (await this.#options.cluster.allPartitions(this.#options.topics)).length
  }

  #failed(error: unknown): void {
    this.#state = 'out'
    this.#isAwaited = false
    if (isFenced(error)) {
      this.#memberId = ''
      this.#lose(error)
    }
    if (errorType(error) === 'REBALANCE_IN_PROGRESS') return
    this.#coordinator = undefined
    this.#listener?.failing(error)
  }

  #lose(cause: unknown): void {
    const owned = this.#owned
    this.#owned = []
    this.#ownedIn = -1
    const stoodStill = performance.now() - this.#stoodStillAt < this.#options.sessionTimeoutMs
    if (owned.length > 0) this.#listener?.lost(owned, { cause, stoodStill })
  }

  #beat(): void {
    const now = performance.now()
    if (now - this.#lastBeat > this.#options.sessionTimeoutMs * standstillShare) this.#stoodStillAt = now
    this.#lastBeat = now
    if (this.#isExpired() && this.#owned.length > 0) {
      // The group may have given everything to others, whether it can be reached or not.
      this.#lose(new Error(`No sign of life from the group ${this.#options.groupId} within the session timeout`))
      this.#signal('expired')
    }
    if (this.#state !== 'in' || this.#beating || this.#coordinator === undefined) return
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
      this.#lastContact = Math.max(this.#lastContact, sentAt)
    } catch (error) {
      if (generation !== this.#generation) return
      if (errorType(error) === 'REBALANCE_IN_PROGRESS') {
        this.#lastContact = Math.max(this.#lastContact, sentAt)
        this.#signal('rebalance')
      } else if (isFenced(error)) {
        if (errorType(error) === 'UNKNOWN_MEMBER_ID') this.#memberId = ''
        this.#fenced(generation)
      } else this.#reconnect(error)
    }
  }

  /** Gives up the partitions at once, so that the next generation is joined without a claim to them. */
  #fenced(generation: number): void {
    if (generation !== this.#generation) return
    if (!this.#stopped) this.#lose(this.#fencedError())
    this.#signal('fenced')
  }

  #fencedError(): Error {
    return new Error(`The group ${this.#options.groupId} went on without this member`)
  }

  #reconnect(error: unknown): void {
    this.#coordinatorFailure = error
    this.#signal('coordinator')
  }

  #isExpired(): boolean {
    const { sessionTimeoutMs, rebalanceTimeoutMs } = this.#options
    const patienceMs = this.#state === 'joining' ? Math.max(sessionTimeoutMs, rebalanceTimeoutMs) : sessionTimeoutMs
    return performance.now() - this.#lastContact > patienceMs
  }

  #signal(wake: Wake): void {
    if (this.#woken === undefined || weights[wake] > weights[this.#woken]) this.#woken = wake
    this.#wake?.(this.#woken)
  }

  /** Resolves with undefined when the time is over. */
  async #nextWake(timeoutMs: number): Promise<Wake | undefined> {
    if (this.#woken !== undefined) return this.#woken
    let timer: NodeJS.Timeout | undefined
    const wake = await new Promise<Wake | undefined>((resolve) => {
      this.#wake = resolve
      timer = setTimeout(() => resolve(undefined), timeoutMs)
    })
    clearTimeout(timer)
    this.#wake = undefined
    return wake
  }
}
