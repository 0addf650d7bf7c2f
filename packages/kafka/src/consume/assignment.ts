import { type GroupRef, MqError } from '@mq/core/adapter'
import { nameOf, type TopicPartition } from '../driver/cluster.js'
import { asMqError } from '../driver/errors.js'
import type { Membership } from '../driver/group/membership.js'
import type { Gap, Reader } from '../driver/reading/reader.js'
import type { OutgoingRecord } from '../driver/records/record-writer.js'
import type { StandingChanges } from '../topology/change-notes.js'
import { watchDeleted } from '../topology/deleted-topics.js'
import { notesLog } from '../topology/group-notes.js'
import type { TopicKind } from '../topology/plans.js'
import { decodeProgress } from '../wire/progress.js'
import { Changes } from './changes.js'
import { Commits } from './commits.js'
import type { ConsumerContext, HandlerOptions } from './consumer-context.js'
import type { LateRuns } from './entry.js'
import type { Hold } from './handlers.js'
import { createSettler } from './settler.js'
import type { StartPoint } from './start-points.js'
import type { Tracker } from './tracker.js'
import { createCodecReport } from './watch/missing-codec.js'
import { StandstillWatch } from './watch/standstill.js'
import { Workload } from './workload.js'

export interface AssignmentOptions {
  readonly ref: GroupRef
  readonly handler: HandlerOptions
  readonly context: ConsumerContext
  readonly member: Membership
  /** The topics of the group. */
  readonly kinds: ReadonlyMap<string, TopicKind>
  /** On while the group is paused. */
  readonly hold: Hold
  /** The changes of single messages that somebody has asked for. */
  readonly standing: StandingChanges
}

/**
 * How many entries may be finished and not committed, for each handler. Quick handlers finish fewer between two commits, so only a
 * slow broker holds them up.
 */
const maxUncommittedPerHandler = 20

/**
 * The partitions that a member of a group owns, from its first assignment until it loses them all or stops. Reads them, has their
 * records handled, and commits how far they are. Partitions come and go with each generation of the group.
 */
export class Assignment {
  readonly #options: AssignmentOptions
  readonly #workload: Workload
  readonly #commits: Commits
  readonly #reader: Reader
  readonly #standstill: StandstillWatch
  readonly #changes: Changes
  #hasEnded = false

  constructor(options: AssignmentOptions) {
    this.#options = options
    const { ref, handler, context, member, kinds, hold, standing } = options
    const { reading, cluster } = context.connections
    const report = (error: MqError): void => context.report({ type: 'error', error, ...ref })
    const trackers = new Map<string, Tracker>()
    const settler = createSettler({ ...context, ref, report })
    this.#commits = new Commits({
      group: ref.group,
      maxUncommitted: maxUncommittedPerHandler * handler.concurrency,
      trackers,
      member,
      report,
    })
    this.#workload = new Workload(
      { ...handler, topic: ref.topic, maxUncommitted: context.settings.maxUncommitted, hold },
      { trackers, settler, commits: this.#commits },
    )
    const { plan } = context.topology
    const append = (at: TopicPartition, record: OutgoingRecord): Promise<void> => context.outbox.append(at, [record])
    this.#changes = new Changes({
      standing,
      workload: this.#workload,
      commits: this.#commits,
      cluster,
      topic: ref.topic,
      retry: plan.retry(ref),
      note: (record) => append(notesLog(plan.dead(ref)), record),
      append,
      report,
    })
    this.#standstill = new StandstillWatch({ trackers: () => this.#workload.trackers, report })
    this.#reader = reading.open({
      kindOf: (topic) => (kinds.get(topic) === 'main' ? 'main' : 'waiting'),
      sink: this.#workload,
      listener: {
        missingCodec: createCodecReport(ref, context.report),
        gap: (at, gap) => this.#passGap(at, gap),
        replaced: (topic, identity) => this.#restartReplaced(topic, identity),
        missing: watchDeleted(cluster, (topic) => this.#restartDeleted(topic)),
        failing: (error) => report(asMqError(error, `Reading ${ref.topic} fails`)),
      },
    })
  }

  get isFailing(): boolean {
    return this.#reader.isFailing || this.#standstill.isStanding
  }

  get trackers(): readonly Tracker[] {
    return this.#workload.trackers
  }

  add(at: TopicPartition, { progress, identity }: StartPoint, lateRuns?: LateRuns): void {
    const feed = this.#reader.add(at, progress.offset, identity)
    const kind = this.#options.kinds.get(at.topic) ?? 'main'
    this.#workload.add({ ...at, kind }, { progress, feed, ...(lateRuns !== undefined && { lateRuns }) })
  }

  /** Removes and hurries single messages, as somebody has asked for. */
  carryOutChanges(): void {
    if (!this.#hasEnded) this.#changes.carryOut()
  }

  /** Starts what was held back. */
  startReady(): void {
    this.#workload.startReady()
  }

  /** Finishes and commits partitions that go to other members. */
  async release(partitions: readonly TopicPartition[]): Promise<void> {
    const { settings, memberships } = this.#options.context
    const trackers = partitions.map((at) => this.#workload.find(at)).filter((tracker) => tracker !== undefined)
    // If the group changes again, it waits for this member, for the rebalance timeout.
    await this.#workload.finish(trackers, memberships.times.rebalanceTimeoutMs / 3)
    this.#workload.abandon(
      trackers,
      new MqError('MQ_OWNERSHIP_LOST', 'Another consumer of the group has this message now'),
    )
    await this.#commits.all(trackers, settings.requestTimeoutMs)
    this.#workload.remove(trackers)
  }

  /** Ends at once, without settling or committing anything, because other members may own the partitions. */
  lose(cause: unknown): void {
    this.#end()
    this.#commits.stop()
    this.#drop(this.#workload.trackers, cause)
  }

  /** Ends. Waits for the handlers, and aborts those that still run when the time is over. */
  async finish(timeoutMs: number, reason: MqError): Promise<void> {
    this.#end()
    const { trackers } = this.#workload
    await this.#workload.finish(trackers, timeoutMs)
    this.#workload.abandon(trackers, reason)
    this.#commits.stop()
  }

  /** Commits what is finished, if the broker takes it in time. */
  async commitAll(timeoutMs: number): Promise<void> {
    await this.#commits.all(this.#workload.trackers, timeoutMs)
  }

  #end(): void {
    this.#hasEnded = true
    this.#workload.stop()
    this.#reader.stop()
    this.#standstill.stop()
  }

  #drop(trackers: readonly Tracker[], cause: unknown): void {
    const text = `Another consumer of the group may have this message: ${(cause as Error).message}`
    this.#workload.abandon(trackers, new MqError('MQ_OWNERSHIP_LOST', text, { cause }))
    this.#workload.remove(trackers)
  }

  #passGap(at: TopicPartition, { position, start }: Gap): void {
    const tracker = this.#workload.find(at)
    // A partition that is being released begins where its next owner finds it.
    if (tracker === undefined || tracker.isClosing) return
    if (start < position) {
      // The log is not the one that was read before: the entries in memory have no place in it.
      this.#drop([tracker], new Error(`the log of ${nameOf(at)} ends before what was read of it`))
      this.add(at, { progress: decodeProgress(start, null) })
      this.#reportLoss(`the log of ${nameOf(at)} was replaced or cut`)
      return
    }
    this.#workload.skipTo(tracker, start)
    const count = start > position ? start - position : undefined
    this.#reportLoss(`the broker has removed messages of ${nameOf(at)} that were not read yet`, count)
  }

  /** Reads a topic from its beginning that was deleted and is created again. */
  #restartDeleted(topic: string): void {
    if (this.#hasEnded) return
    const { topology } = this.#options.context
    this.#startOver(topic, `the topic ${topic} was deleted at the broker`, ({ position }) => position > 0)
    topology.forget(topic)
    topology.ensure(topic).catch(() => {})
  }

  #restartReplaced(topic: string, identity: string): void {
    const reason = `the topic ${topic} was deleted at the broker and created again`
    this.#startOver(topic, reason, (tracker) => tracker.feed.identity !== identity)
  }

  #startOver(topic: string, reason: string, isOld: (tracker: Tracker) => boolean): void {
    if (this.#hasEnded) return
    const trackers = this.#workload.trackers.filter(
      (tracker) => tracker.topic === topic && !tracker.isClosing && isOld(tracker),
    )
    this.#drop(trackers, new Error(reason))
    for (const { partition } of trackers) this.add({ topic, partition }, { progress: decodeProgress(0, null) })
    if (trackers.some(({ position }) => position > 0)) this.#reportLoss(reason)
  }

  #reportLoss(reason: string, count?: number): void {
    const { context, ref } = this.#options
    context.report({ type: 'data-loss', ...ref, reason, ...(count !== undefined && { count }) })
  }
}
