import { AssignerProtocol } from 'kafkajs'
import { byTopic, nameOf, type TopicPartition } from '../cluster.js'
import { ForeignGroupError } from '../errors.js'

/** A member of the group, as the group's leader sees it. */
export interface Claimant {
  readonly memberId: string
  /** The generation in which the member got its partitions, or -1 if it has none. */
  readonly generation: number
  readonly owned: readonly TopicPartition[]
}

/** The part of a group's partitions that one member gets. */
export interface Share {
  readonly partitions: readonly TopicPartition[]
  /** How many more it gets as soon as their owners have released them. */
  readonly pending: number
}

/**
 * Shares out each topic's partitions evenly, and leaves as many as possible with their owners. A partition that moves has no owner
 * at first: the old one finishes its work, releases the partition and joins again, and then the new one gets it. So a rebalance
 * disturbs only the partitions that really move.
 *
 * See docs/decisions/0020-kafka-below-kafkajs.md.
 */
export function shareOut(
  claimants: readonly Claimant[],
  partitions: readonly TopicPartition[],
): ReadonlyMap<string, Share> {
  const owners = ownersOf(claimants)
  const load = new Map(claimants.map(({ memberId }) => [memberId, 0]))
  const shares = new Map(
    claimants.map(({ memberId }) => [memberId, { partitions: [] as TopicPartition[], pending: 0 }]),
  )
  for (const ofTopic of byTopic(partitions).values()) {
    for (const [at, target] of targetsOf(ofTopic, owners, load)) {
      load.set(target, (load.get(target) ?? 0) + 1)
      const share = shares.get(target)
      const owner = owners.get(nameOf(at))
      if (share === undefined) continue
      if (owner === undefined || owner === target) share.partitions.push(at)
      else share.pending += 1
    }
  }
  return shares
}

/** If two members claim a partition, the one of the later generation is right. The other was cut off when it lost it. */
function ownersOf(claimants: readonly Claimant[]): ReadonlyMap<string, string> {
  const owners = new Map<string, string>()
  for (const { memberId, owned } of [...claimants].sort((left, right) => left.generation - right.generation)) {
    for (const at of owned) owners.set(nameOf(at), memberId)
  }
  return owners
}

/** Chooses the member that each partition of one topic is to have in the end. */
function targetsOf(
  partitions: readonly TopicPartition[],
  owners: ReadonlyMap<string, string>,
  load: ReadonlyMap<string, number>,
): ReadonlyMap<TopicPartition, string> {
  const members = [...load.keys()].sort()
  const owned = new Map(members.map((member) => [member, 0]))
  for (const at of partitions) {
    const owner = owners.get(nameOf(at))
    if (owner !== undefined && owned.has(owner)) owned.set(owner, (owned.get(owner) ?? 0) + 1)
  }
  // The remainder goes to members that have most of this topic already, and among these to those with the lowest load.
  const ranked = [...members].sort(
    (left, right) => (owned.get(right) ?? 0) - (owned.get(left) ?? 0) || (load.get(left) ?? 0) - (load.get(right) ?? 0),
  )
  const min = Math.floor(partitions.length / members.length)
  const extra = partitions.length % members.length
  const room = new Map(ranked.map((member, rank) => [member, min + (rank < extra ? 1 : 0)]))
  const targets = new Map<TopicPartition, string>()
  const take = (at: TopicPartition, member: string): void => {
    targets.set(at, member)
    room.set(member, (room.get(member) ?? 0) - 1)
  }
  for (const at of partitions) {
    const owner = owners.get(nameOf(at))
    if (owner !== undefined && (room.get(owner) ?? 0) > 0) take(at, owner)
  }
  for (const at of partitions) {
    if (targets.has(at)) continue
    const member = ranked.find((one) => (room.get(one) ?? 0) > 0)
    if (member !== undefined) take(at, member)
  }
  return targets
}

/** The name of this way of sharing. All members of a group have to support the same one. */
export const protocolName = 'mq-cooperative-1'

export function encodeClaim(topics: readonly string[], claim: Omit<Claimant, 'memberId'>, label?: string): Buffer {
  const { generation, owned } = claim
  const userData = Buffer.from(JSON.stringify({ generation, owned: indexed(owned), label }))
  return AssignerProtocol.MemberMetadata.encode({ version: 0, topics: [...topics], userData })
}

export function decodeClaim(memberId: string, metadata: Buffer): Claimant {
  const { userData } = AssignerProtocol.MemberMetadata.decode(metadata) ?? {}
  const { generation, owned } = JSON.parse(String(userData)) as { generation: number; owned: Record<string, number[]> }
  return { memberId, generation, owned: listed(owned) }
}

/** Returns the label of a member of any program, if it has one. */
export function labelOf(metadata: Buffer): string | undefined {
  try {
    const { userData } = AssignerProtocol.MemberMetadata.decode(metadata) ?? {}
    const { label } = JSON.parse(String(userData)) as { readonly label?: unknown }
    return typeof label === 'string' ? label : undefined
  } catch {
    return undefined
  }
}

export function encodeShare({ partitions, pending }: Share): Buffer {
  const userData = Buffer.from(JSON.stringify({ pending }))
  return AssignerProtocol.MemberAssignment.encode({ version: 0, assignment: indexed(partitions), userData })
}

export function decodeShare(assignment: Buffer): Share {
  if (assignment.length === 0) return { partitions: [], pending: 0 }
  const { assignment: partitions = {}, userData } = AssignerProtocol.MemberAssignment.decode(assignment) ?? {}
  return { partitions: listed(partitions), pending: pendingOf(userData) }
}

/** In a group of the protocol of KIP-848 the broker shares out, and knows nothing of pending partitions. */
function pendingOf(userData: Buffer | undefined): number {
  let pending: unknown
  try {
    pending = (JSON.parse(String(userData)) as { readonly pending?: unknown } | null)?.pending
  } catch {
    // It was not written by this adapter.
  }
  if (typeof pending === 'number') return pending
  throw new ForeignGroupError('another program shares out the partitions of the group, with a protocol of its own')
}

const indexed = (partitions: readonly TopicPartition[]): Record<string, number[]> =>
  Object.fromEntries([...byTopic(partitions)].map(([topic, ofTopic]) => [topic, ofTopic.map((at) => at.partition)]))

const listed = (partitions: Readonly<Record<string, readonly number[]>>): readonly TopicPartition[] =>
  Object.entries(partitions).flatMap(([topic, ofTopic]) => ofTopic.map((partition) => ({ topic, partition })))
