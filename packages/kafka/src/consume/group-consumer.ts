import { type ConsumerHealth, type GroupRef, MqError } from '@mq/core/adapter'
import type { Cluster, TopicPartition } from '../driver/cluster.js'
import { asMqError, isAuthError, isLinkError, isRefusedMembership } from '../driver/errors.js'
import type { Loss } from '../driver/group/member.js'
import type { Membership } from '../driver/group/membership.js'
import type { TopicKind } from '../topology/plans.js'
import { Assignment } from './assignment.js'
import {
  type ConsumerContext,
  type ConsumerStop,
  type HandlerOptions,
  type RunningConsumer,
  stopReason,
} from './consumer-context.js'
import { LostPartitions } from './lost-partitions.js'
import { findStartPoints } from './start-points.js'
import { NotesWatch } from './watch/notes-watch.js'

/** How long a stop may take beyond its timeout. */
const defaultPartingMs = 500
/** The limits of what a stop waits for the last commit, and then to leave the group. A broker that answers takes some milliseconds. */
const commitLimits = { minMs: 250, maxMs: 1_500 }
const leaveLimits = { minMs: 250, maxMs: 3_000 }
/**
 * How long `start` waits for other members: for partitions that they are still finishing, and for members that died, which the group
 * takes for alive until their session ends. A restarted broker begins that session anew.
 */
const maxPendingMs = 10_000

/** A consumer of one group: a membership, and an assignment while the member owns partitions. */
export class GroupConsumer implements RunningConsumer {
  readonly #ref: GroupRef
  readonly #handler: HandlerOptions
  readonly #context: ConsumerContext
  readonly #groupId: string
  readonly #kinds: ReadonlyMap<string, TopicKind>
  readonly #cluster: Cluster
  readonly #member: Membership
  readonly #notes: NotesWatch
  readonly #lostPartitions = new LostPartitions()
  #assignment: Assignment | undefined
  #isOut = true
  #starting: { resolve(): void; reject(error: Error): void } | undefined
  #stopped: Promise<void> | undefined

  constructor(ref: GroupRef, kinds: ReadonlyMap<string, TopicKind>, handler: HandlerOptions, context: ConsumerContext) {
    this.#ref = ref
    this.#handler = handler
    this.#context = context
    this.#groupId = context.names.group(ref)
    this.#kinds = kinds
    this.#cluster = context.connections.cluster
    const { membership, cluster: commits } = context.connections
    const group = { groupId: this.#groupId, topics: [...this.#kinds.keys()] }
    this.#member = context.memberships.open(group, { membership, commits })
    this.#notes = new NotesWatch({
      dead: context.topology.plan.dead(ref),
      cluster: this.#cluster,
      topology: context.topology,
      reading: context.connections.reading,
      onResumed: () => this.#assignment?.startReady(),
      onChanges: () => this.#assignment?.carryOutChanges(),
      onFailing: (cause) => {
        // The reader of the messages reports a lost connection.
        if (isLinkError(cause)) return
        const error = asMqError(cause, `The notes of '${ref.group}' cannot be read`)
        context.report({ type: 'error', error, ...ref })
      },
    })
  }

  /** Resolves once it is in its group and reads its share, or waits for other members alone. Rejects if it is not allowed to. */
  async start(): Promise<void> {
    const started = new Promise<void>((resolve, reject) => {
      this.#starting = { resolve, reject }
    })
    this.#member.start({
      assigned: (partitions) => this.#assigned(partitions),
      revoked: async (partitions) => await this.#assignment?.release(partitions),
      lost: (_, loss) => this.#lost(loss),
      joined: (pending) => {
        this.#isOut = false
        if (pending === 0) this.#starting?.resolve()
      },
      failing: (error) => this.#left(error),
    })
    // Finds the partitions while the group is joined. An error comes again when partitions are assigned.
    this.#cluster.allPartitions([...this.#kinds.keys()]).catch(() => {})
    // Everything from here on is kept for the group, so the caller need not wait for others to leave or to release partitions.
    const patience = setInterval(() => {
      if (!this.#isOut || this.#member.isAwaited) this.#starting?.resolve()
    }, maxPendingMs)
    await Promise.all([started, this.#notes.start()]).finally(() => clearInterval(patience))
  }

  get health(): ConsumerHealth {
    if (this.#stopped !== undefined) return { ...this.#ref, status: 'stopping' }
    if (this.#isOut || this.#assignment?.isFailing || this.#notes.isFailing) {
      return { ...this.#ref, status: 'recovering' }
    }
    const { mark } = this.#notes
    return mark === undefined ? { ...this.#ref, status: 'consuming' } : { ...this.#ref, status: 'paused', paused: mark }
  }

  stop(options: ConsumerStop): Promise<void> {
    this.#stopped ??= this.#stop(options)
    return this.#stopped
  }

  async #stop({ timeoutMs, reason = stopReason(), partingMs = defaultPartingMs }: ConsumerStop): Promise<void> {
    const endsAt = performance.now() + timeoutMs + partingMs
    this.#starting?.reject(new MqError(reason.code, 'It was stopped before it was in its group', { cause: reason }))
    this.#notes.stop()
    await this.#assignment?.finish(timeoutMs, reason)
    await this.#assignment?.commitAll(within(commitLimits, endsAt - leaveLimits.minMs))
    await this.#member.stop(within(leaveLimits, endsAt))
  }

  async #assigned(partitions: readonly TopicPartition[]): Promise<void> {
    const from = { cluster: this.#cluster, groupId: this.#groupId, kinds: this.#kinds }
    const { points, replaced, isExpired } = await findStartPoints(partitions, from)
    await this.#notes.catchUp()
    if (this.#stopped !== undefined) return
    this.#assignment ??= new Assignment({
      ref: this.#ref,
      handler: this.#handler,
      context: this.#context,
      member: this.#member,
      kinds: this.#kinds,
      hold: this.#notes.hold,
      standing: this.#notes.changes,
    })
    for (const { at, progress, identity } of points) {
      const { lateRuns, ...known } = this.#lostPartitions.resume(at, { progress, identity })
      this.#assignment.add(at, known, lateRuns)
    }
    this.#assignment.carryOutChanges()
    for (const topic of replaced) {
      const reason = `the topic ${topic} was deleted at the broker and created again`
      this.#context.report({ type: 'data-loss', ...this.#ref, reason })
    }
    if (!isExpired) return
    const reason = 'the offsets of the group have expired at the broker; it starts again with the oldest message'
    this.#context.report({ type: 'data-loss', ...this.#ref, reason })
  }

  #lost({ cause, stoodStill }: Loss): void {
    this.#lostPartitions.keep(this.#assignment?.trackers ?? [], { stoodStill })
    this.#assignment?.lose(cause)
    this.#assignment = undefined
  }

  #left(cause: unknown): void {
    const wasOut = this.#isOut
    this.#isOut = true
    const what = isRefusedMembership(cause)
      ? `The consumer group ${this.#groupId} does not take this consumer`
      : `The consumer of '${this.#ref.group}' has left its group`
    const error = asMqError(cause, what)
    // The caller of `subscribe` hears of a refusal, because it is permanent. All else is tried until it works.
    if (isAuthError(cause) || isRefusedMembership(cause)) this.#starting?.reject(error)
    if (!wasOut || !isLinkError(cause)) this.#context.report({ type: 'error', error, ...this.#ref })
  }
}

/** Returns the time that is left, within limits. */
const within = ({ minMs, maxMs }: typeof commitLimits, endsAt: number): number =>
  Math.min(maxMs, Math.max(minMs, endsAt - performance.now()))
