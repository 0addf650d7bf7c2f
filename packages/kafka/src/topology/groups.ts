import { randomUUID } from 'node:crypto'
import { type GroupRef, MqError, type StartFrom } from '@mq/core/adapter'
import type { Cluster } from '../driver/cluster.js'
import { errorType, isFenced } from '../driver/errors.js'
import { asNobody, commitOffsets, committedOffsets, logOffsets, withCoordinator } from '../driver/offsets.js'
import { readLog } from '../driver/read-log.js'
import type { TopicPartition } from '../driver/requests.js'
import type { Outbox } from '../publish/outbox.js'
import type { Names } from './names.js'
import { tiersMs } from './tiers.js'
import { deadPartition, type Topology } from './topology.js'

export interface GroupsContext {
  readonly cluster: Cluster
  readonly topology: Topology
  readonly names: Names
  readonly outbox: Outbox
  readonly createTopics: boolean
}

/**
 * What a group notes about itself, in a topic that is kept for ever, as the offsets are not: where it begins, then that this
 * is committed. The first note counts, whoever declares the group at the same time.
 */
type Note =
  | { readonly kind: 'declared'; readonly offsets: readonly (TopicPartition & { readonly offset: number })[] }
  | { readonly kind: 'committed' }

const noteTimeoutMs = 15_000

export function createGroups({ cluster, topology, names, outbox, createTopics }: GroupsContext) {
  const topicsOf = (ref: GroupRef) => ({
    main: topology.topicsOf.main(ref.topic),
    delay: topology.topicsOf.delay(ref.topic),
    retry: topology.topicsOf.retry(ref),
    dead: topology.topicsOf.dead(ref),
  })

  async function notesOf(dead: string): Promise<readonly Note[]> {
    const notes: Note[] = []
    await readLog(cluster, { topic: dead, partition: deadPartition.notes }, ({ value }) => {
      const note = parsed(value)
      if (note !== undefined) notes.push(note)
      return undefined
    })
    return notes
  }

  async function write(dead: string, note: Note): Promise<void> {
    // A key of its own, so that compaction keeps it.
    const record = { key: randomUUID(), value: Buffer.from(JSON.stringify(note)), headers: [] }
    const options = { timeoutMs: noteTimeoutMs, partition: deadPartition.notes }
    const [outcome] = await outbox.send(dead, [record], options)
    if (outcome?.status !== 'stored')
      throw outcome?.error ?? new MqError('MQ_TIMEOUT', 'The group could not be declared')
  }

  async function requirePartitions(topic: string, least: number): Promise<void> {
    const count = await topology.ensure(topic)
    if (count >= least) return
    throw new MqError('MQ_INVALID_OPTION', `The topic ${topic} has ${count} partitions; it needs ${least}`)
  }

  return {
    async declare(ref: GroupRef, { startFrom }: { readonly startFrom: StartFrom }): Promise<void> {
      const { main, delay, retry, dead } = topicsOf(ref)
      await topology.ensureAll([main, delay, retry, dead])
      await requirePartitions(retry, tiersMs.length)
      await requirePartitions(dead, 2)
      let notes = await notesOf(dead)
      if (notes.some(({ kind }) => kind === 'committed')) return
      if (notes.length === 0) {
        const ends = await logOffsets(cluster, [main, delay], startFrom === 'latest' ? 'end' : 'start')
        await write(dead, {
          kind: 'declared',
          offsets: [...ends].map(([name, offset]) => ({ ...splitName(name), offset })),
        })
        notes = await notesOf(dead)
      }
      const first = notes.find((note) => note.kind === 'declared')
      const groupId = names.group(ref)
      const offsets = first?.kind === 'declared' ? first.offsets : []
      const committed = await committedOffsets(cluster, groupId, offsets)
      const missing = offsets.filter(({ topic, partition }) => !committed.has(`${topic}/${partition}`))
      if (missing.length > 0) {
        await withCoordinator(cluster, groupId, (coordinator) =>
          commitOffsets(cluster, coordinator, asNobody(groupId), missing),
        ).catch((error) => {
          // It has members already, which began where the note says.
          if (!isFenced(error)) throw error
        })
      }
      await write(dead, { kind: 'committed' })
    },
    /** No consumer of this adapter may be in the group. */
    async remove(ref: GroupRef): Promise<void> {
      const { retry, dead } = topicsOf(ref)
      const groupId = names.group(ref)
      if (!createTopics) {
        const rest = `delete the consumer group ${groupId} and the topics ${retry} and ${dead} where they were made`
        throw new MqError('MQ_NOT_SUPPORTED', `With createTopics: false a group is not deleted from here; ${rest}`)
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

function parsed(value: Buffer | undefined): Note | undefined {
  try {
    const note = JSON.parse(String(value)) as Partial<Note> | null
    return note?.kind === 'declared' || note?.kind === 'committed' ? (note as Note) : undefined
  } catch {
    return undefined
  }
}

function splitName(name: string): TopicPartition {
  const at = name.lastIndexOf('/')
  return { topic: name.slice(0, at), partition: Number(name.slice(at + 1)) }
}
