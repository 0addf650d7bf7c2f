import type { Cluster } from '../cluster.js'
import type { Broker } from '../kafkajs-types.js'
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
  /** Used by this member alone, because the requests behind one to join wait for it. */
  readonly cluster: Cluster
  readonly groupId: string
  readonly topics: readonly string[]
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
}

/** An identity in one generation of a group. */
export interface Membership {
  readonly memberId: string
  readonly generation: number
}

/** How much longer than the rebalance its requests may take. */
const slackMs = 5_000

/**
 * Joins the next generation of a group, and resolves with the share of this member. The leader of the group shares out the
 * partitions. `onJoined` is called when the group knows the member, before it has its share.
 */
export async function joinGeneration(
  options: JoinOptions,
  {
    coordinator,
    memberId,
    claim,
    onJoined,
  }: {
    readonly coordinator: Broker
    /** Empty for a new member. */
    readonly memberId: string
    readonly claim: Omit<Claimant, 'memberId'>
    readonly onJoined: (membership: Membership) => void
  },
): Promise<Share> {
  const { cluster, groupId, topics, sessionTimeoutMs, rebalanceTimeoutMs } = options
  const joined = await cluster.request(
    coordinator,
    (broker) =>
      broker.joinGroup({
        groupId,
        memberId,
        sessionTimeout: sessionTimeoutMs,
        rebalanceTimeout: rebalanceTimeoutMs,
        groupProtocols: [{ name: protocolName, metadata: encodeClaim(topics, claim) }],
      }),
    2 * rebalanceTimeoutMs + slackMs,
  )
  const { generationId } = joined
  onJoined({ memberId: joined.memberId, generation: generationId })
  const isLeader = joined.leaderId === joined.memberId
  const groupAssignment = isLeader ? await sharesOf(options, joined.members) : []
  const { memberAssignment } = await cluster.request(
    coordinator,
    (broker) => broker.syncGroup({ groupId, memberId: joined.memberId, generationId, groupAssignment }),
    rebalanceTimeoutMs + slackMs,
  )
  return decodeShare(memberAssignment)
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
