import { type ConsumerHealth, type GroupRef, MqError } from '@mq/core/adapter'
import { type Cluster, nameOf, type TopicPartition } from '../driver/cluster.js'
import { asMqError } from '../driver/errors.js'
import { logOffsets } from '../driver/offsets.js'
import type { Gap, Reader } from '../driver/reading/reader.js'
import { watchDeleted } from '../topology/deleted-topics.js'
import type { TopicKind } from '../topology/plans.js'
import { decodeProgress } from '../wire/progress.js'
import { noCommits } from './commits.js'
import {
  type ConsumerContext,
  type ConsumerStop,
  type HandlerOptions,
  type RunningConsumer,
  stopReason,
} from './consumer-context.js'
import { keepsNothing } from './settler.js'
import type { Tracker } from './tracker.js'
import { createCodecReport } from './watch/missing-codec.js'
import { Workload } from './workload.js'

const partitionCheckMs = 30_000

/** An ephemeral consumer. It reads every partition from its end on, and is in no group, so it leaves no trace at the broker. */
export class EphemeralConsumer implements RunningConsumer {
  readonly #ref: GroupRef
  readonly #context: ConsumerContext
  readonly #cluster: Cluster
  readonly #workload: Workload
  readonly #reader: Reader
  readonly #kinds: ReadonlyMap<string, TopicKind>
  #partitionCheck: NodeJS.Timeout | undefined
  #stopped: Promise<void> | undefined

  constructor(ref: GroupRef, kinds: ReadonlyMap<string, TopicKind>, handler: HandlerOptions, context: ConsumerContext) {
    this.#ref = ref
    this.#context = context
    this.#kinds = kinds
    this.#cluster = context.connections.cluster
    this.#workload = new Workload(
      { ...handler, topic: ref.topic, maxUncommitted: context.settings.maxUncommitted },
      { trackers: new Map(), settler: keepsNothing, commits: noCommits },
    )
    this.#reader = context.connections.reading.open({
      kindOf: (topic) => (this.#kinds.get(topic) === 'main' ? 'main' : 'waiting'),
      sink: this.#workload,
      listener: {
        missingCodec: createCodecReport(ref, context.report),
        gap: (at, gap) => this.#reportGap(at, gap),
        replaced: (topic, identity) => this.#restartReplaced(topic, identity),
        missing: watchDeleted(this.#cluster, (topic) => this.#restartDeleted(topic)),
        failing: (cause) =>
          context.report({ type: 'error', error: asMqError(cause, `Reading ${ref.topic} fails`), ...ref }),
      },
    })
  }

  async start(): Promise<void> {
    const topics = [...this.#kinds.keys()]
    const ends = await logOffsets(this.#cluster, topics, 'end')
    for (const at of await this.#cluster.allPartitions(topics)) this.#add(at, ends.get(nameOf(at)) ?? 0)
    this.#partitionCheck = setInterval(() => void this.#addNew().catch(() => {}), partitionCheckMs)
  }

  get health(): ConsumerHealth {
    const status = this.#reader.isFailing ? 'recovering' : 'consuming'
    return { ...this.#ref, status: this.#stopped === undefined ? status : 'stopping' }
  }

  stop(options: ConsumerStop): Promise<void> {
    this.#stopped ??= this.#stop(options)
    return this.#stopped
  }

  async #stop({ timeoutMs, reason = stopReason() }: ConsumerStop): Promise<void> {
    clearInterval(this.#partitionCheck)
    this.#workload.stop()
    this.#reader.stop()
    const { trackers } = this.#workload
    await this.#workload.finish(trackers, timeoutMs)
    this.#workload.abandon(trackers, reason)
  }

  #add(at: TopicPartition, from: number): void {
    const feed = this.#reader.add(at, from)
    const kind = this.#kinds.get(at.topic) ?? 'main'
    this.#workload.add({ ...at, kind }, { progress: decodeProgress(from, null), feed })
  }

  /** Reads partitions that were added from their beginning. */
  async #addNew(): Promise<void> {
    for (const at of await this.#cluster.allPartitions([...this.#kinds.keys()], { fresh: true })) {
      if (this.#workload.find(at) === undefined) this.#add(at, 0)
    }
  }

  /** Reads a topic from its beginning that was deleted and is created again. */
  #restartDeleted(topic: string): void {
    if (this.#stopped !== undefined) return
    const { topology } = this.#context
    this.#startOver(topic, `the topic ${topic} was deleted at the broker`, ({ position }) => position > 0)
    topology.forget(topic)
    topology.ensure(topic).catch(() => {})
  }

  #restartReplaced(topic: string, identity: string): void {
    const reason = `the topic ${topic} was deleted at the broker and created again`
    this.#startOver(topic, reason, (tracker) => tracker.feed.identity !== identity)
  }

  #startOver(topic: string, reason: string, isOld: (tracker: Tracker) => boolean): void {
    if (this.#stopped !== undefined) return
    const trackers = this.#workload.trackers.filter((tracker) => tracker.topic === topic && isOld(tracker))
    this.#workload.abandon(trackers, new MqError('MQ_OWNERSHIP_LOST', reason))
    this.#workload.remove(trackers)
    for (const { partition } of trackers) this.#add({ topic, partition }, 0)
    if (trackers.some(({ position }) => position > 0)) this.#context.report({ type: 'data-loss', ...this.#ref, reason })
  }

  #reportGap(at: TopicPartition, { position, start }: Gap): void {
    const reason = `an ephemeral subscription fell behind what the broker keeps of ${nameOf(at)}`
    const count = start > position ? { count: start - position } : {}
    this.#context.report({ type: 'data-loss', ...this.#ref, reason, ...count })
  }
}
