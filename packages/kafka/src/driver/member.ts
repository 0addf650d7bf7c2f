import { setTimeout as sleep } from 'node:timers/promises'
import { withTimeout } from '@mq/core/adapter'
import type { Cluster } from './cluster.js'
import { errorType, isCoordinatorGone, isFenced, isLinkError } from './errors.js'
import { commitOffsets, type PartitionOffset } from './offsets.js'
import type { Broker } from './protocol.js'
import { nameOf, type TopicPartition } from './topic-partition.js'
import { decodeClaim, decodeShare, encodeClaim, encodeShare, protocolName, shareOut } from './shares.js'

export interface MemberOptions {
  /** For this member alone: what comes behind a request to join waits as long as that. */
  readonly cluster: Cluster
  readonly groupId: string
  readonly topics: readonly string[]
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
}

export interface MemberListener {
  /** These are this member's from now on. It has joined only once this has resolved. */
  assigned(partitions: readonly TopicPartition[]): Promise<void>
  /** These go to somebody else as soon as this resolves: finish them, and commit. */
  revoked(partitions: readonly TopicPartition[]): Promise<void>
  /** All that it owned may be somebody else's already. */
  lost(partitions: readonly TopicPartition[], error: unknown): void
  /** It is in the group, and gets that many more partitions once their owners have let them go. */
  joined(pending: number): void
  /** It is out of the group, or cannot reach it, and tries to join. */
  failing(error: unknown): void
}

type Wake = 'rebalance' | 'coordinator' | 'expired' | 'fenced' | 'stop'

/** Of two that come before the member sees to them the greater one counts: the lesser would let it keep its claim. */
const weights: Readonly<Record<Wake, number>> = { rebalance: 0, coordinator: 1, expired: 2, fenced: 2, stop: 3 }

const leastRetryMs = 100
const mostRetryMs = 2_000
/** How often the number of partitions is looked at. */
const metadataAgeMs = 30_000

/**
 * A membership in a consumer group, kept for as long as it is wanted: it joins, heartbeats by a timer of its own however long
 * handlers take, joins again when the group changes, and starts over after any failure.
 */
export class Member {
  readonly #options: MemberOptions
  readonly #listener: MemberListener
  readonly #heartbeatMs: number
  #owned: readonly TopicPartition[] = []
  #memberId = ''
  #generation = -1
  /** In which generation it got what it owns. */
  #ownedIn = -1
  #coordinator: Broker | undefined
  #state: 'out' | 'joining' | 'in' = 'out'
  /** When the group certainly knew of this member. */
  #lastContact = 0
  #heartbeat: NodeJS.Timeout | undefined
  #beating = false
  #wake: ((wake: Wake) => void) | undefined
  #woken: Wake | undefined
  /** Why the coordinator is to be looked for again. */
  #trouble: unknown
  #stopped = false
  #ended: Promise<void> | undefined

  constructor(options: MemberOptions, listener: MemberListener) {
    this.#options = options
    this.#listener = listener
    this.#heartbeatMs = Math.min(options.sessionTimeoutMs / 10, 1_000)
  }

  start(): void {
    this.#heartbeat = setInterval(() => this.#beat(), this.#heartbeatMs)
    this.#ended = this.#run()
  }

  get isIn(): boolean {
    return this.#state === 'in'
  }

  /** Commits as the member that it is now; rejects when the group no longer takes it for one. */
  async commit(offsets: readonly PartitionOffset[]): Promise<void> {
    const { cluster, groupId } = this.#options
    // The coordinator answers one request after the other: behind a join it would take too long.
    if (this.#coordinator === undefined || this.#state !== 'in') throw new Error('The member is not in its group now')
    const as = { groupId, memberId: this.#memberId, generation: this.#generation }
    try {
      await commitOffsets(cluster, this.#coordinator, as, offsets)
    } catch (error) {
      if (isFenced(error)) this.#fenced(as.generation)
      else if (isCoordinatorGone(error) || isLinkError(error)) this.#reconnect(error)
      throw error
    }
  }

  /** Leaves the group, if it can be reached in time. Nothing is told to the listener any more. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopped = true
    clearInterval(this.#heartbeat)
    this.#signal('stop')
    const { cluster, groupId } = this.#options
    // A join that is under way would go on at the broker, and hold up the others until the session times out.
    if (this.#ended !== undefined) await withTimeout(this.#ended, timeoutMs, () => new Error('late')).catch(() => {})
    const [coordinator, memberId] = [this.#coordinator, this.#memberId]
    if (coordinator === undefined || memberId === '') return
    await cluster.request(coordinator, (broker) => broker.leaveGroup({ groupId, memberId }), timeoutMs).catch(() => {})
  }

  async #run(): Promise<void> {
    for (let retryMs = leastRetryMs; !this.#stopped; ) {
      try {
        await this.#join()
        retryMs = leastRetryMs
      } catch (error) {
        if (this.#stopped) return
        this.#failed(error)
        await sleep(retryMs * (0.5 + Math.random() / 2))
        retryMs = Math.min(2 * retryMs, mostRetryMs)
      }
    }
  }

  /** One generation, from joining to whatever ends it. */
  async #join(): Promise<void> {
    const { cluster, groupId, topics } = this.#options
    this.#state = 'joining'
    this.#coordinator = await cluster.coordinator(groupId)
    const share = await this.#synced(this.#coordinator)
    if (this.#stopped) return
    this.#woken = undefined
    this.#state = 'in'
    this.#lastContact = Date.now()
    const partitionCount = await this.#partitionCount()
    const granted = new Set(share.partitions.map(nameOf))
    const owned = new Set(this.#owned.map(nameOf))
    const revoked = this.#owned.filter((at) => !granted.has(nameOf(at)))
    const assigned = share.partitions.filter((at) => !owned.has(nameOf(at)))
    this.#ownedIn = this.#generation
    if (revoked.length > 0) {
      await this.#listener.revoked(revoked)
      if (this.#stopped) return
      const gone = new Set(revoked.map(nameOf))
      this.#owned = this.#owned.filter((at) => !gone.has(nameOf(at)))
    }
    if (assigned.length > 0) {
      await this.#listener.assigned(assigned)
      this.#owned = [...this.#owned, ...assigned]
    }
    if (this.#stopped) return
    // Letting go is told by joining again.
    if (revoked.length > 0 && this.#woken === undefined) return
    this.#listener.joined(share.pending)
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
        throw this.#trouble ?? new Error(`The coordinator of ${this.#options.groupId} has moved`)
      // What it was assigned meanwhile.
      this.#lose(this.#wentOn())
      return
    }
  }

  async #synced(coordinator: Broker) {
    const { cluster, groupId, topics, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options
    const metadata = encodeClaim(topics, { generation: this.#ownedIn, owned: this.#owned })
    const joined = await cluster.request(
      coordinator,
      (broker) =>
        broker.joinGroup({
          groupId,
          memberId: this.#memberId,
          sessionTimeout: sessionTimeoutMs,
          rebalanceTimeout: rebalanceTimeoutMs,
          groupProtocols: [{ name: protocolName, metadata }],
        }),
      2 * rebalanceTimeoutMs + 5_000,
    )
    this.#memberId = joined.memberId
    this.#generation = joined.generationId
    this.#lastContact = Date.now()
    const isLeader = joined.leaderId === joined.memberId
    const groupAssignment = isLeader ? await this.#assignments(joined.members) : []
    const { memberAssignment } = await cluster.request(
      coordinator,
      (broker) =>
        broker.syncGroup({ groupId, memberId: joined.memberId, generationId: joined.generationId, groupAssignment }),
      rebalanceTimeoutMs + 5_000,
    )
    return decodeShare(memberAssignment)
  }

  async #assignments(members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[]) {
    const { cluster, topics } = this.#options
    const partitions = await cluster.allPartitions(topics, { fresh: true })
    const claimants = members.map(({ memberId, memberMetadata }) => decodeClaim(memberId, memberMetadata))
    return [...shareOut(claimants, partitions)].map(([memberId, share]) => ({
      memberId,
      memberAssignment: encodeShare(share),
    }))
  }

  async #partitionCount(): Promise<number> {
    return (await this.#options.cluster.allPartitions(this.#options.topics)).length
  }

  #failed(error: unknown): void {
    this.#state = 'out'
    if (isFenced(error)) {
      this.#memberId = ''
      this.#lose(error)
    }
    if (errorType(error) === 'REBALANCE_IN_PROGRESS') return
    this.#coordinator = undefined
    this.#listener.failing(error)
  }

  #lose(error: unknown): void {
    const owned = this.#owned
    this.#owned = []
    this.#ownedIn = -1
    if (owned.length > 0) this.#listener.lost(owned, error)
  }

  #beat(): void {
    if (this.#isExpired() && this.#owned.length > 0) {
      // The group may have given everything away, whether it can be asked or not.
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
    const [memberId, generation, sentAt] = [this.#memberId, this.#generation, Date.now()]
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

  /** At once, as when its session has expired: whatever ends this generation, the next is joined without a claim. */
  #fenced(generation: number): void {
    if (generation !== this.#generation) return
    if (!this.#stopped) this.#lose(this.#wentOn())
    this.#signal('fenced')
  }

  #wentOn(): Error {
    return new Error(`The group ${this.#options.groupId} went on without this member`)
  }

  #reconnect(error: unknown): void {
    this.#trouble = error
    this.#signal('coordinator')
  }

  #isExpired(): boolean {
    const { sessionTimeoutMs, rebalanceTimeoutMs } = this.#options
    const patienceMs = this.#state === 'joining' ? Math.max(sessionTimeoutMs, rebalanceTimeoutMs) : sessionTimeoutMs
    return Date.now() - this.#lastContact > patienceMs
  }

  #signal(wake: Wake): void {
    if (this.#woken === undefined || weights[wake] > weights[this.#woken]) this.#woken = wake
    this.#wake?.(this.#woken)
  }

  /** Undefined when the time is over. */
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
