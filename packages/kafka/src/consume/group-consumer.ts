import { type AdapterEvent, type ConsumerHealth, type GroupRef, MqError, type StopOptions } from '@mq/core/adapter'
import type { Cluster } from '../driver/cluster.js'
import { asMqError, isAuthError, isLinkError } from '../driver/errors.js'
import type { Gap } from '../driver/fetcher.js'
import { Member } from '../driver/member.js'
import { committedOffsets, partitionOffsets } from '../driver/offsets.js'
import { nameOf, type TopicPartition } from '../driver/topic-partition.js'
import type { Settings } from '../options.js'
import type { Outbox } from '../publish/outbox.js'
import { watchDeleted } from '../topology/deleted-topics.js'
import type { Names } from '../topology/names.js'
import type { Topology } from '../topology/topology.js'
import { decodeProgress, type Progress } from '../wire/progress.js'
import { Commits } from './commits.js'
import { Reader } from './reader.js'
import { createSettler } from './settler.js'
import type { TopicKind, Tracker } from './tracker.js'
import { Workload, type WorkloadOptions } from './workload.js'

export interface ConsumerContext {
  readonly settings: Settings
  readonly names: Names
  readonly topology: Topology
  readonly outbox: Outbox
  /** Connections for this consumer alone. */
  readonly openCluster: () => Cluster
  readonly report: (event: AdapterEvent) => void
}

/**
 * How much may be finished and not committed, for each handler: more than quick ones finish between two commits, so that only a
 * slow broker holds them up.
 */
const mostUncommittedEach = 20
/** How long a stop waits for the broker once the handlers are done. */
const farewellMs = 1_500
/** How long a subscription waits for partitions that others are still finishing. */
const mostSettlingMs = 10_000

export const stopReason = (): MqError =>
  new MqError('MQ_STOPPED', 'The subscription was stopped before the handler had finished')

/** A consumer of one group. */
export class GroupConsumer {
  readonly ref: GroupRef
  readonly #context: ConsumerContext
  readonly #workload: Workload
  readonly #member: Member
  readonly #commits: Commits
  readonly #reader: Reader
  /** For reading new messages, and for what is asked about offsets. */
  readonly #data: Cluster
  /** For reading what waits for its time. */
  readonly #waiting: Cluster
  /** For the membership, whose requests can take as long as a rebalance. */
  readonly #group: Cluster
  readonly #kinds: ReadonlyMap<string, TopicKind>
  #memberFails = true
  #started: { resolve(): void; reject(error: Error): void } | undefined
  #stopped: Promise<void> | undefined

  constructor(ref: GroupRef, options: Omit<WorkloadOptions, 'maxUncommitted'>, context: ConsumerContext) {
    this.ref = ref
    this.#context = context
    const { settings, names, topology } = context
    const { main, delay, retry } = topology.plan
    this.#kinds = new Map<string, TopicKind>([
      [main(ref.topic), 'main'],
      [delay(ref.topic), 'delay'],
      [retry(ref), 'retry'],
    ])
    this.#data = context.openCluster()
    this.#waiting = context.openCluster()
    this.#group = context.openCluster()
    const settler = createSettler({ ...context, ref, error: (error) => this.#report(error) })
    this.#reader = new Reader({
      topic: main(ref.topic),
      main: this.#data,
      waiting: this.#waiting,
      listener: {
        records: (read) => this.#workload.take(read),
        gap: (at, gap) => this.#gap(at, gap),
        missing: watchDeleted(this.#data, (topic) => this.#deleted(topic)),
        failing: (error) => this.#report(asMqError(error, `Reading ${ref.topic} fails`)),
        recovered: () => {},
      },
    })
    this.#workload = new Workload(
      { ...options, maxUncommitted: settings.maxUncommitted },
      {
        ...settler,
        pause: (at) => this.#reader.pause(at),
        resume: (at) => this.#reader.resume(at),
        mayStart: () => !this.#member.isIn || !this.#commits.isFull,
        finished: () => this.#commits.oneFinished(),
        error: (error) => this.#report(error),
      },
    )
    this.#commits = new Commits({
      ref,
      most: mostUncommittedEach * options.concurrency,
      trackers: () => this.#workload.trackers,
      commit: (offsets) => this.#member.commit(offsets),
      proceed: () => this.#workload.proceed(),
      report: (error) => this.#report(error),
    })
    this.#member = new Member(
      {
        cluster: this.#group,
        groupId: names.group(ref),
        topics: [...this.#kinds.keys()],
        sessionTimeoutMs: settings.sessionTimeoutMs,
        rebalanceTimeoutMs: settings.rebalanceTimeoutMs,
      },
      {
        assigned: (partitions) => this.#assigned(partitions),
        revoked: (partitions) => this.#revoked(partitions),
        lost: (partitions, error) => this.#lost(partitions, error),
        joined: (pending) => {
          this.#memberFails = false
          if (pending === 0) this.#started?.resolve()
        },
        failing: (error) => this.#memberFailing(error),
      },
    )
  }

  /** Resolves once it is in its group and reads what is its share. Rejects where it is not allowed to. */
  async start(): Promise<void> {
    const started = new Promise<void>((resolve, reject) => {
      this.#started = { resolve, reject }
    })
    this.#member.start()
    this.#connectData().catch(() => {})
    this.#commits.start()
    // Others may take their time to let go of partitions; whoever is in the group by then gets them as they do.
    const patience = setInterval(() => {
      if (!this.#memberFails) this.#started?.resolve()
    }, mostSettlingMs)
    await started.finally(() => clearInterval(patience))
  }

  get health(): ConsumerHealth {
    const status = this.#memberFails || this.#reader.isFailing ? 'recovering' : 'consuming'
    return { ...this.ref, status: this.#stopped === undefined ? status : 'stopping' }
  }

  /** What is not finished at the deadline is told the reason. */
  stop(deadline: StopOptions, reason = stopReason()): Promise<void> {
    this.#stopped ??= this.#stop(deadline, reason)
    return this.#stopped
  }

  async #stop({ timeoutMs }: StopOptions, reason: MqError): Promise<void> {
    this.#started?.reject(new MqError(reason.code, 'It was stopped before it was in its group', { cause: reason }))
    this.#workload.stop()
    this.#reader.stop()
    const trackers = [...this.#workload.trackers]
    await this.#workload.finish(trackers, timeoutMs)
    this.#workload.abandon(trackers, reason)
    this.#commits.stop()
    await this.#commits.all(trackers, farewellMs)
    await this.#member.stop(farewellMs)
    this.#group.close()
    this.#data.close()
    this.#waiting.close()
  }

  /** While the group is joined: what the share is read with is there by the time it is known. Fails unheard, as it is tried then. */
  async #connectData(): Promise<void> {
    await this.#data.allPartitions([...this.#kinds.keys()])
    await this.#data.coordinator(this.#context.names.group(this.ref))
  }

  async #assigned(partitions: readonly TopicPartition[]): Promise<void> {
    const { names } = this.#context
    const all = await this.#data.allPartitions([...this.#kinds.keys()])
    // Among what is assigned may be partitions that were added since.
    const asked = new Map([...all, ...partitions].map((at) => [nameOf(at), at]))
    const committed = await committedOffsets(this.#data, names.group(this.ref), [...asked.values()])
    const unread = partitions.filter((at) => !committed.has(nameOf(at)))
    const starts = await partitionOffsets(this.#data, unread, 'start')
    // A group is declared by committing an offset for each partition: when none is left, they have expired.
    const isExpired = !all.some((at) => this.#kinds.get(at.topic) === 'main' && committed.has(nameOf(at)))
    for (const at of partitions) {
      const there = committed.get(nameOf(at))
      const offset = there?.offset ?? starts.get(nameOf(at)) ?? 0
      this.#read(at, decodeProgress(offset, there?.metadata))
    }
    if (!isExpired) return
    const reason = 'the offsets of the group have expired at the broker; it starts again with the oldest message'
    this.#context.report({ type: 'data-loss', ...this.ref, reason })
  }

  async #revoked(partitions: readonly TopicPartition[]): Promise<void> {
    const trackers = this.#trackersOf(partitions)
    for (const at of partitions) this.#reader.remove(at)
    // The group waits for this member, if it changes again, for the rebalance timeout.
    await this.#workload.finish(trackers, this.#context.settings.rebalanceTimeoutMs / 3)
    this.#workload.abandon(
      trackers,
      new MqError('MQ_OWNERSHIP_LOST', 'Another consumer of the group has this message now'),
    )
    await this.#commits.all(trackers, this.#context.settings.requestTimeoutMs)
    this.#workload.remove(trackers)
  }

  #lost(partitions: readonly TopicPartition[], cause: unknown): void {
    const trackers = this.#trackersOf(partitions)
    for (const at of partitions) this.#reader.remove(at)
    const text = `Another consumer of the group may have this message: ${(cause as Error).message}`
    this.#workload.abandon(trackers, new MqError('MQ_OWNERSHIP_LOST', text, { cause }))
    this.#workload.remove(trackers)
  }

  #memberFailing(error: unknown): void {
    const wasFailing = this.#memberFails
    this.#memberFails = true
    const failure = asMqError(error, `The consumer of '${this.ref.group}' has left its group`)
    // Whoever is subscribing hears of what will not mend itself; everything else is tried until it works.
    if (this.#started !== undefined && isAuthError(error)) this.#started.reject(failure)
    if (!wasFailing || !isLinkError(error)) this.#report(failure)
  }

  #gap(at: TopicPartition, { position, start }: Gap): void {
    const tracker = this.#workload.find(at)
    // What is being given back begins where its next owner finds it.
    if (tracker === undefined || tracker.isClosing) return
    if (start < position) {
      // The log is another one than before: what is in hand has no place in it.
      this.#lost([at], new Error(`the log of ${nameOf(at)} ends before what was read of it`))
      this.#read(at, decodeProgress(start, null))
    } else tracker.readTo(start)
    const reason =
      start < position
        ? `the log of ${nameOf(at)} was replaced or cut`
        : `the broker has removed messages of ${nameOf(at)} that were not read yet`
    const count = start > position ? { count: start - position } : {}
    this.#context.report({ type: 'data-loss', ...this.ref, reason, ...count })
  }

  /** Somebody has deleted the topic: what comes to the next one of that name is read from its beginning. */
  #deleted(topic: string): void {
    if (this.#stopped !== undefined) return
    const trackers = [...this.#workload.trackers].filter(
      (tracker) => tracker.topic === topic && tracker.position > 0 && !tracker.isClosing,
    )
    if (trackers.length > 0) {
      const reason = `the topic ${topic} was deleted at the broker`
      this.#lost(trackers, new Error(reason))
      for (const at of trackers) this.#read(at, decodeProgress(0, null))
      this.#context.report({ type: 'data-loss', ...this.ref, reason })
    }
    this.#context.topology.forget(topic)
    this.#context.topology.ensure(topic).catch(() => {})
  }

  #read(at: TopicPartition, progress: Progress): void {
    this.#workload.add(at, this.#kinds.get(at.topic) ?? 'main', progress)
    this.#reader.add(at, progress.offset)
  }

  #trackersOf(partitions: readonly TopicPartition[]): readonly Tracker[] {
    return partitions.map((at) => this.#workload.find(at)).filter((tracker) => tracker !== undefined)
  }

  #report(error: MqError): void {
    this.#context.report({ type: 'error', error, ...this.ref })
  }
}
