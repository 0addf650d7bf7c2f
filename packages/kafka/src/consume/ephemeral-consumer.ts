import { type AdapterEvent, type ConsumerHealth, type GroupRef, MqError, type StopOptions } from '@mq/core/adapter'
import type { Cluster } from '../driver/cluster.js'
import { asMqError } from '../driver/errors.js'
import { Fetcher } from '../driver/fetcher.js'
import { logOffsets } from '../driver/offsets.js'
import { nameOf, type TopicPartition } from '../driver/topic-partition.js'
import { watchDeleted } from '../topology/deleted-topics.js'
import type { Topology } from '../topology/topology.js'
import { decodeProgress } from '../wire/progress.js'
import { type ConsumerContext, stopReason } from './group-consumer.js'
import type { TopicKind } from './tracker.js'
import { Workload, type WorkloadOptions } from './workload.js'

const partitionCheckMs = 30_000

/**
 * An ephemeral consumer: it reads every partition by itself, from the end on, and is in no group, so that nothing at the broker
 * knows of it.
 */
export class EphemeralConsumer {
  readonly ref: GroupRef
  readonly #report: (event: AdapterEvent) => void
  readonly #cluster: Cluster
  readonly #topology: Topology
  readonly #workload: Workload
  readonly #fetcher: Fetcher
  readonly #kinds: ReadonlyMap<string, TopicKind>
  #partitionCheck: NodeJS.Timeout | undefined
  #stopped: Promise<void> | undefined

  constructor(ref: GroupRef, options: Omit<WorkloadOptions, 'maxUncommitted'>, context: ConsumerContext) {
    this.ref = ref
    this.#report = context.report
    this.#topology = context.topology
    const { plan } = context.topology
    this.#kinds = new Map<string, TopicKind>([
      [plan.main(ref.topic), 'main'],
      [plan.delay(ref.topic), 'delay'],
    ])
    this.#cluster = context.openCluster()
    const error = (problem: MqError): void => context.report({ type: 'error', error: problem, ...ref })
    this.#fetcher = new Fetcher(this.#cluster, {
      records: (read) => this.#workload.take(read),
      gap: (at, { position, start }) => this.#gap(at, { position, start }),
      missing: watchDeleted(this.#cluster, (topic) => this.#deleted(topic)),
      failing: (cause) => error(asMqError(cause, `Reading ${ref.topic} fails`)),
      recovered: () => {},
    })
    this.#workload = new Workload(
      { ...options, maxUncommitted: context.settings.maxUncommitted },
      {
        pause: (at) => this.#fetcher.pause(at),
        resume: (at) => this.#fetcher.resume(at),
        mayStart: () => true,
        finished: () => {},
        // Nothing of an ephemeral consumer is written anywhere.
        carryOut: async () => true,
        forward: async () => true,
        error,
      },
    )
  }

  async start(): Promise<void> {
    const ends = await logOffsets(this.#cluster, [...this.#kinds.keys()], 'end')
    for (const at of await this.#cluster.allPartitions([...this.#kinds.keys()])) {
      this.#follow(at, ends.get(nameOf(at)) ?? 0)
    }
    this.#partitionCheck = setInterval(() => void this.#findNew().catch(() => {}), partitionCheckMs)
  }

  get health(): ConsumerHealth {
    const status = this.#fetcher.isFailing ? 'recovering' : 'consuming'
    return { ...this.ref, status: this.#stopped === undefined ? status : 'stopping' }
  }

  /** What is not finished at the deadline is told the reason. */
  stop(deadline: StopOptions, reason = stopReason()): Promise<void> {
    this.#stopped ??= this.#stop(deadline, reason)
    return this.#stopped
  }

  async #stop({ timeoutMs }: StopOptions, reason: MqError): Promise<void> {
    clearInterval(this.#partitionCheck)
    this.#workload.stop()
    this.#fetcher.stop()
    const trackers = [...this.#workload.trackers]
    await this.#workload.finish(trackers, timeoutMs)
    this.#workload.abandon(trackers, reason)
    this.#cluster.close()
  }

  #follow(at: TopicPartition, from: number): void {
    this.#workload.add(at, this.#kinds.get(at.topic) ?? 'main', decodeProgress(from, null))
    this.#fetcher.add(at, from)
  }

  /** A partition that was added is read from its beginning. */
  async #findNew(): Promise<void> {
    for (const at of await this.#cluster.allPartitions([...this.#kinds.keys()], { fresh: true })) {
      if (this.#workload.find(at) === undefined) this.#follow(at, 0)
    }
  }

  /** Somebody has deleted the topic: what comes to the next one of that name is read from its beginning. */
  #deleted(topic: string): void {
    if (this.#stopped !== undefined) return
    const trackers = [...this.#workload.trackers].filter((tracker) => tracker.topic === topic && tracker.position > 0)
    if (trackers.length > 0) {
      const reason = `the topic ${topic} was deleted at the broker`
      for (const at of trackers) this.#fetcher.remove(at)
      this.#workload.abandon(trackers, new MqError('MQ_OWNERSHIP_LOST', reason))
      this.#workload.remove(trackers)
      for (const at of trackers) this.#follow(at, 0)
      this.#report({ type: 'data-loss', ...this.ref, reason })
    }
    this.#topology.forget(topic)
    this.#topology.ensure(topic).catch(() => {})
  }

  #gap(at: TopicPartition, { position, start }: { readonly position: number; readonly start: number }): void {
    const reason = `an ephemeral subscription fell behind what the broker keeps of ${nameOf(at)}`
    const count = start > position ? { count: start - position } : {}
    this.#report({ type: 'data-loss', ...this.ref, reason, ...count })
  }
}
