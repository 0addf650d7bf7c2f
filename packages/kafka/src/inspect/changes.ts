import { setTimeout as sleep } from 'node:timers/promises'
import { backoff, MqError, type TargetRef } from '@mq/core/adapter'
import { nameOf, type TopicPartition } from '../driver/cluster.js'
import { isEmptyGroup } from '../driver/describe-groups.js'
import type { OutgoingRecord } from '../driver/records/record-writer.js'
import { recordsAt } from '../driver/records-at.js'
import {
  type ChangeAction,
  type ChangeNote,
  type ChangeRequest,
  encodeRequest,
  encodeWithdrawal,
  maxOffsets,
  newChangeKey,
  StandingChanges,
} from '../topology/change-notes.js'
import { notesLog } from '../topology/group-notes.js'
import { tierFor } from '../topology/tiers.js'
import { planGroup } from '../topology/topology.js'
import { decodePlace } from '../wire/message-place.js'
import { decodeRecord, encodeRecord } from '../wire/record.js'
import { ChangesLog } from './changes-log.js'
import { type Found, follow, type LocateOptions, locate, openOf } from './locate.js'
import { type InspectContext, openParts } from './open-parts.js'

export interface ChangesContext extends InspectContext {
  readonly append: (at: TopicPartition, records: readonly OutgoingRecord[]) => Promise<void>
}

/** How long a call waits for the owners of the partitions. A new owner needs up to a session to take over. */
const answerMs = 20_000
const pauses = { minMs: 5, maxMs: 100 }
/** How often it is checked whether the group has a consumer at all. */
const lookEveryMs = 250
/** How often a message is followed that goes on to another partition. It stays there for a second at least. */
const maxRounds = 5
/** How much of the copies is written at a time. */
const copiesAtOnce = { records: 100, bytes: 4 * 1024 * 1024 }

interface Asked {
  readonly request: ChangeRequest
  readonly found: readonly Found[]
}

interface Outcome {
  readonly done: Found[]
  readonly kept: Found[]
}

/** Removes messages from a group that have not begun. Returns how many. See docs/decisions/0027-kafka-looking-and-pausing.md. */
export const removeWaiting = (ref: TargetRef, entryIds: readonly string[], context: ChangesContext): Promise<number> =>
  change(ref, { entryIds, action: 'remove' }, context)

/** Makes messages ready at once that wait for their time. Returns how many. */
export const runNow = (ref: TargetRef, entryIds: readonly string[], context: ChangesContext): Promise<number> =>
  change(ref, { entryIds, action: 'run' }, context)

async function change(
  ref: TargetRef,
  { entryIds, action }: { readonly entryIds: readonly string[]; readonly action: ChangeAction },
  context: ChangesContext,
): Promise<number> {
  const { cluster, topology } = context
  const { dead } = planGroup(topology, ref)
  const ids = [...new Set(entryIds)].filter((entryId) => decodePlace(entryId) !== undefined)
  if (ids.length === 0 || (await cluster.confirmedPartitionsOf(dead)) === undefined) return 0
  const call = new ChangeCall(ref, action, { ...context, dead, log: new ChangesLog(cluster, dead) })
  let count = 0
  for (let at = 0; at < ids.length; at += maxOffsets) count += await call.change(ids.slice(at, at + maxOffsets))
  return count
}

/** A call of `remove` or `runNow`. */
class ChangeCall {
  readonly #ref: TargetRef
  readonly #action: ChangeAction
  readonly #context: ChangesContext & { readonly dead: string; readonly log: ChangesLog }
  readonly #endsAt = performance.now() + answerMs

  constructor(
    ref: TargetRef,
    action: ChangeAction,
    context: ChangesContext & { readonly dead: string; readonly log: ChangesLog },
  ) {
    this.#ref = ref
    this.#action = action
    this.#context = context
  }

  /** Returns how many of the entries it has changed. */
  async change(entryIds: readonly string[]): Promise<number> {
    const here = await this.#find((options) => locate(entryIds, options))
    const found = new Set(here.map(({ entryId }) => entryId))
    const changed = new Set<string>()
    let left = new Set(entryIds.filter((entryId) => !found.has(entryId)))
    for (const entryId of await this.#ask(here, changed)) left.add(entryId)
    // Messages that go on to another partition meanwhile are followed.
    for (let round = 1; left.size > 0 && round <= maxRounds; round++) {
      const wanted = [...left]
      left = await this.#ask(await this.#find((options) => follow(wanted, options)), changed)
    }
    return changed.size
  }

  async #find(look: (options: LocateOptions) => Promise<readonly Found[]>): Promise<readonly Found[]> {
    const { log, cluster } = this.#context
    await log.read()
    const parts = await openParts(this.#ref, this.#context, log.standing)
    if (parts === undefined) return []
    const found = await look({ ref: this.#ref, parts, cluster })
    return found.filter(({ isHeldBack }) => this.#action === 'remove' || isHeldBack)
  }

  /**
   * Asks the owners. While there are none, what is to be removed is noted for those to come. Returns the names of those that have gone,
   * maybe to another partition.
   */
  async #ask(found: readonly Found[], changed: Set<string>): Promise<Set<string>> {
    if (found.length === 0) return new Set()
    const { cluster, names } = this.#context
    const isCopied = this.#action === 'run' && (await isEmptyGroup(cluster, names.group(this.#ref)))
    if (isCopied) await this.#copy(found)
    const { done, kept } = await this.#request(found, isCopied ? 'remove' : this.#action)
    for (const { entryId } of done) changed.add(entryId)
    const settled = new Set([...done, ...kept].map(({ entryId }) => entryId))
    return new Set(found.map(({ entryId }) => entryId).filter((entryId) => !settled.has(entryId)))
  }

  async #request(found: readonly Found[], action: ChangeAction): Promise<Outcome> {
    const { append, log, dead, cluster, names } = this.#context
    const outcome: Outcome = { done: [], kept: [] }
    const pending = new Map<string, Asked>()
    for (const one of requestsOf(found, action, cluster)) pending.set(one.request.key, one)
    const take = ({ key, answer }: ChangeNote): void => {
      const asked = answer === undefined ? undefined : pending.get(key)
      if (answer === undefined || asked === undefined) return
      pending.delete(key)
      const [done, kept] = [new Set(answer.done), new Set(answer.kept)]
      outcome.done.push(...asked.found.filter(({ offset }) => done.has(offset)))
      outcome.kept.push(...asked.found.filter(({ offset }) => kept.has(offset)))
    }
    await append(
      notesLog(dead),
      [...pending.values()].map(({ request }) => encodeRequest(request)),
    )
    const waits = backoff(pauses)
    for (let lookAt = 0; ; ) {
      await log.read(take)
      if (pending.size === 0) return outcome
      await this.#requireStanding(pending)
      const now = performance.now()
      if (action === 'remove' && now >= lookAt) {
        lookAt = now + lookEveryMs
        if (await isEmptyGroup(cluster, names.group(this.#ref))) {
          // The last owner may have answered before it left.
          await log.read(take)
          return await this.#leaveStanding(pending, outcome)
        }
      }
      if (now > this.#endsAt) {
        await this.#withdraw(pending.keys())
        await log.read(take)
        if (pending.size === 0) return outcome
        throw this.#unanswered(pending)
      }
      await sleep(waits.next())
    }
  }

  /**
   * The group has no consumer, and whoever joins it reads the notes before it starts anything. So requests to remove messages are as good
   * as carried out, except those that the last owner has finished before it left. Of two callers, the one whose request comes first counts.
   */
  async #leaveStanding(pending: ReadonlyMap<string, Asked>, outcome: Outcome): Promise<Outcome> {
    const parts = (await openParts(this.#ref, this.#context, new StandingChanges())) ?? []
    const open = new Map(parts.map((part) => [nameOf(part), part]))
    const isOpen = ({ part, offset }: Found): boolean => {
      const now = open.get(nameOf(part))
      return now !== undefined && openOf(now, [offset]).length > 0
    }
    const { standing } = this.#context.log
    for (const [key, { found }] of pending) {
      const left = found.filter(isOpen)
      if (left.length === 0) await this.#withdraw([key])
      outcome.done.push(...left.filter(({ part, offset }) => !standing.isRemovedBefore(key, { ...part, offset })))
    }
    return outcome
  }

  /** Rejects if the notes have no room for these requests, so that consumers do not obey them. */
  async #requireStanding(pending: ReadonlyMap<string, Asked>): Promise<void> {
    if ([...pending.keys()].every((key) => this.#context.log.standing.has(key))) return
    await this.#withdraw(pending.keys())
    const why = 'too many such changes wait for a consumer of the group; start one'
    throw new MqError('MQ_OPERATION_FAILED', `The group '${this.#ref.group}' takes no further change: ${why}`)
  }

  async #withdraw(keys: Iterable<string>): Promise<void> {
    const { append, dead } = this.#context
    await append(notesLog(dead), [...keys].map(encodeWithdrawal))
  }

  #unanswered(pending: ReadonlyMap<string, Asked>): MqError {
    const count = [...pending.values()].reduce((sum, { found }) => sum + found.length, 0)
    const what = `No consumer of '${this.#ref.group}' has answered within ${answerMs} ms`
    const unknown = `whether ${count} messages were ${this.#action === 'run' ? 'made ready' : 'removed'} is not known`
    return new MqError(
      'MQ_TIMEOUT',
      `${what}, so ${unknown}. List them again. Older versions of @mq/kafka never answer`,
    )
  }

  /** Writes copies that are ready at once, with the attempt and the failure that the messages have. */
  async #copy(found: readonly Found[]): Promise<void> {
    const { topology, cluster, append } = this.#context
    const retry = { topic: planGroup(topology, this.#ref).retry, partition: tierFor(0) }
    let copies: OutgoingRecord[] = []
    let bytes = 0
    const write = async (): Promise<void> => {
      if (copies.length > 0) await append(retry, copies)
      copies = []
      bytes = 0
    }
    for (const { part, found: inPart } of byPart(found)) {
      const offsets = inPart.map(({ offset }) => offset)
      await recordsAt(cluster, part, offsets, async (record) => {
        const { topic, partition } = part
        const decoded = decodeRecord(record, { topic, partition, name: this.#ref.topic })
        const { message, attempt, failure } = decoded
        copies.push(encodeRecord(message, { attempt, failure }))
        bytes += record.bytes
        if (copies.length >= copiesAtOnce.records || bytes >= copiesAtOnce.bytes) await write()
      })
    }
    await write()
  }
}

function byPart(
  found: readonly Found[],
): readonly { readonly part: Found['part']; readonly found: readonly Found[] }[] {
  const parts = new Map<string, Found[]>()
  for (const one of found) parts.set(nameOf(one.part), [...(parts.get(nameOf(one.part)) ?? []), one])
  return [...parts.values()].map((ofPart) => ({ part: (ofPart[0] as Found).part, found: ofPart }))
}

function requestsOf(
  found: readonly Found[],
  action: ChangeAction,
  cluster: InspectContext['cluster'],
): readonly Asked[] {
  return byPart(found).flatMap(({ part: { topic, partition }, found: inPart }) => {
    const asked: Asked[] = []
    for (let at = 0; at < inPart.length; at += maxOffsets) {
      const some = inPart.slice(at, at + maxOffsets)
      const [key, identity] = [newChangeKey(), cluster.identityOf(topic) ?? '']
      const offsets = some.map(({ offset }) => offset)
      asked.push({ request: { key, action, topic, partition, identity, offsets }, found: some })
    }
    return asked
  })
}
