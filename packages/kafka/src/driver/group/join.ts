import type { Cluster } from '../cluster.js'
import type { Broker } from '../kafkajs-types.js'
import { ask, createErrorFromCode, errorCode } from '../protocol.js'
import {
  type Claimant,
  decodeClaim,
  decodeShare,
  encodeClaim,
  encodeShare,
  protocolName,
  type Share,
  shareOut,
} from './shares.js'

export interface JoinOptions {
  readonly cluster: Cluster
  readonly groupId: string
  readonly topics: readonly string[]
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  /** A text that everybody can read who may look at the group. */
  readonly label?: string
}

/** An identity in one generation of a group. */
export interface Membership {
  readonly memberId: string
  readonly generation: number
}

interface JoinAnswer {
  readonly errorCode: number
  readonly generationId: number
  readonly leaderId: string
  readonly memberId: string
  readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[]
}

/** Distinguishes the connections over which members join. */
let joins = 0

/** Kafka's name for groups that share out partitions. */
const protocolType = 'consumer'
/** How much longer than the rebalance its requests may take. */
const slackMs = 5_000

/**
 * Calls `work` with a connection of its own to the coordinator, and closes it afterwards or when the signal aborts. A broker answers the
 * requests of one connection in order, and a join takes as long as a rebalance, so the connections of other requests are not for it.
 */
async function overOwnConnection<T>(
  {
    cluster,
    coordinator,
    signal,
  }: { readonly cluster: Cluster; readonly coordinator: Broker; readonly signal: AbortSignal },
  work: (own: Broker) => Promise<T>,
): Promise<T> {
  joins += 1
  const own = await cluster.apart(coordinator, `join ${joins}`)
  const close = (): void => cluster.drop(own)
  signal.addEventListener('abort', close)
  try {
    signal.throwIfAborted()
    return await work(own)
  } finally {
    signal.removeEventListener('abort', close)
    close()
  }
}

/**
 * Joins the next generation of a group, and resolves with the share of this member. The leader of the group shares out the
 * partitions. `onNamed` is called when the group has given the member its id, and `onJoined` when it is in the generation, before it
 * has its share. A member that tries again with its id takes the place of its last attempt. Without one it would be another member, and
 * the group would wait for the lost one.
 */
export async function joinGeneration(
  options: JoinOptions,
  {
    coordinator,
    memberId,
    claim,
    signal,
    onNamed,
    onJoined,
  }: {
    readonly coordinator: Broker
    /** Empty for a new member. */
    readonly memberId: string
    readonly claim: Omit<Claimant, 'memberId'>
    /** Ends the attempt. */
    readonly signal: AbortSignal
    readonly onNamed: (memberId: string) => void
    readonly onJoined: (membership: Membership) => void
  },
): Promise<Share> {
  const { cluster, groupId, topics, sessionTimeoutMs, rebalanceTimeoutMs, label } = options
  return await overOwnConnection({ cluster, coordinator, signal }, async (own) => {
    const join = (id: string): Promise<JoinAnswer> => {
      const groupProtocols = [{ name: protocolName, metadata: encodeClaim(topics, claim, label) }]
      const [sessionTimeout, rebalanceTimeout] = [sessionTimeoutMs, rebalanceTimeoutMs]
      const request = { groupId, memberId: id, protocolType, sessionTimeout, rebalanceTimeout, groupProtocols }
      return cluster.request(own, (broker) => ask(broker, 'JoinGroup', request), 2 * rebalanceTimeoutMs + slackMs)
    }
    let joined = await join(memberId)
    if (joined.errorCode === errorCode.memberIdRequired) {
      onNamed(joined.memberId)
      joined = await join(joined.memberId)
    }
    if (joined.errorCode !== 0) throw createErrorFromCode(joined.errorCode)
    const { generationId } = joined
    onJoined({ memberId: joined.memberId, generation: generationId })
    const isLeader = joined.leaderId === joined.memberId
    const groupAssignment = isLeader ? await sharesOf(options, joined.members) : []
    const { memberAssignment } = await cluster.request(
      own,
      (broker) => broker.syncGroup({ groupId, memberId: joined.memberId, generationId, groupAssignment }),
      rebalanceTimeoutMs + slackMs,
    )
    return decodeShare(memberAssignment)
  })
}

async function sharesOf(
  { cluster, topics }: JoinOptions,
  members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[],
) {
  const partitions = await cluster.allPartitions(topics, { fresh: true })
  const claimants = members.map(({ memberId, memberMetadata }) => decodeClaim(memberId, memberMetadata))
  return [...shareOut(claimants, partitions)].map(([memberId, share]) => ({
    memberId,
    memberAssignment: encodeShare(share),
  }))
}
