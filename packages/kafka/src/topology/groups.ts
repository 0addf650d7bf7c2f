import { MqError, type StartFrom, type TargetRef } from '@mq/core/adapter'
import { type Cluster, nameOf, type TopicPartition } from '../driver/cluster.js'
import { errorType, isFenced } from '../driver/errors.js'
import { commitOffsets, committedOffsets, logOffsets, withCoordinator, withoutMember } from '../driver/offsets.js'
import { type AppendRecord, type GroupNote, readNotes, type StartOffset, writeNote } from './group-notes.js'
import { deadPartition, type Names } from './plans.js'
import { tiersMs } from './tiers.js'
import { planGroup, type Topology } from './topology.js'

export interface GroupsContext {
  readonly cluster: Cluster
  readonly topology: Topology
  readonly names: Names
  readonly append: AppendRecord
  readonly createTopics: boolean
}

/** Declares and deletes groups. See docs/decisions/0022-kafka-group-notes.md. */
export function createGroups({ cluster, topology, names, append, createTopics }: GroupsContext) {
  async function requirePartitions(topic: string, min: number): Promise<void> {
    const count = await topology.ensure(topic)
    if (count >= min) return
    throw new MqError('MQ_INVALID_OPTION', `The topic ${topic} has ${count} partitions; it needs ${min}`)
  }

  async function startOffsets(topics: readonly string[], startFrom: StartFrom): Promise<readonly StartOffset[]> {
    const edges = await logOffsets(cluster, topics, startFrom === 'latest' ? 'end' : 'start')
    return [...edges].map(([name, offset]) => ({ ...splitName(name), offset }))
  }

  /** Commits the offsets that the group does not have yet. */
  async function commitMissing(groupId: string, offsets: readonly StartOffset[]): Promise<void> {
    const committed = await committedOffsets(cluster, groupId, offsets)
    const missing = offsets.filter((at) => !committed.has(nameOf(at)))
    if (missing.length === 0) return
    await withCoordinator(cluster, groupId, (coordinator) =>
      commitOffsets(cluster, coordinator, withoutMember(groupId), missing),
    ).catch((error) => {
      // The group has members already. They began where the note says.
      if (!isFenced(error)) throw error
    })
  }

  return {
    async declare(ref: TargetRef, { startFrom }: { readonly startFrom: StartFrom }): Promise<void> {
      const { main, delay, retry, dead } = planGroup(topology, ref)
      // The names of topics at the broker may be too long to say so.
      const named = { topic: ref.topic, group: ref.group }
      const read = delay === undefined ? [main] : [main, delay]
      if (delay === undefined) await topology.requireForeign(main)
      await topology.ensureAll(delay === undefined ? [retry, dead] : [...read, retry, dead])
      await requirePartitions(retry, tiersMs.length)
      await requirePartitions(dead, Object.keys(deadPartition).length)
      let notes = await readNotes(cluster, dead)
      if (notes.some(({ kind }) => kind === 'committed')) return
      if (notes.length === 0) {
        await writeNote(append, dead, { kind: 'declared', offsets: await startOffsets(read, startFrom), ...named })
        notes = await readNotes(cluster, dead)
      }
      await commitMissing(names.group(ref), declaredOffsets(notes))
      await writeNote(append, dead, { kind: 'committed' })
    },
    /** The group must have no consumer of this adapter. */
    async remove(ref: TargetRef): Promise<void> {
      const { retry, dead } = planGroup(topology, ref)
      const groupId = names.group(ref)
      if (!createTopics) {
        const rest = `delete the consumer group ${groupId} and the topics ${retry} and ${dead} where they were created`
        throw new MqError('MQ_NOT_SUPPORTED', `With createTopics: false the adapter deletes no group; ${rest}`)
      }
      await withCoordinator(cluster, groupId, async (coordinator) => {
        const { results } = await cluster.request(coordinator, (broker) => broker.deleteGroups([groupId]))
        const error = results.find((result) => result.error !== undefined)?.error
        if (error === undefined || errorType(error) === 'GROUP_ID_NOT_FOUND') return
        if (errorType(error) !== 'NON_EMPTY_GROUP') throw error
        const text = `The group '${ref.group}' has consumers in other processes; stop them first`
        throw new MqError('MQ_OPERATION_FAILED', text, { cause: error })
      })
      await topology.remove([retry, dead])
    },
  }
}

export type Groups = ReturnType<typeof createGroups>

function declaredOffsets(notes: readonly GroupNote[]): readonly StartOffset[] {
  const first = notes.find((note) => note.kind === 'declared')
  return first?.kind === 'declared' ? first.offsets : []
}

function splitName(name: string): TopicPartition {
  const at = name.lastIndexOf('/')
  return { topic: name.slice(0, at), partition: Number(name.slice(at + 1)) }
}
