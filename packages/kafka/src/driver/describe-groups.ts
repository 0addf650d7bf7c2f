import type { Cluster } from './cluster.js'
import { labelOf } from './group/shares.js'
import type { Broker } from './kafkajs-types.js'
import { withCoordinator } from './offsets.js'
import { ask } from './protocol.js'

export interface GroupMember {
  /** The text with which it joined, if it is a member of this adapter. */
  readonly label: string | undefined
}

interface ListAnswer {
  readonly groups: readonly { readonly groupId: string }[]
}

interface DescribeAnswer {
  readonly groups: readonly {
    readonly groupId: string
    readonly errorCode: number
    readonly state: string
    readonly members: readonly { readonly memberMetadata: Buffer }[]
  }[]
}

/** Returns the names of all groups that the user may see, as far as brokers answer. */
export async function groupIdsOf(cluster: Cluster): Promise<readonly string[]> {
  const answers = await askAll(cluster, (broker) => ask<ListAnswer>(broker, 'ListGroups', {}))
  return answers.flatMap(({ groups }) => groups.map(({ groupId }) => groupId))
}

/**
 * Returns the members of groups. A group is left out if no broker says so. It asks every broker about all, because finding the
 * coordinator of each group would take a request for each.
 */
export async function membersOf(
  cluster: Cluster,
  groupIds: readonly string[],
): Promise<ReadonlyMap<string, readonly GroupMember[]>> {
  if (groupIds.length === 0) return new Map()
  const answers = await askAll(cluster, (broker) => ask<DescribeAnswer>(broker, 'DescribeGroups', { groupIds }))
  return new Map(
    answers
      .flatMap(({ groups }) => groups)
      .filter(({ errorCode }) => errorCode === 0)
      .map(({ groupId, members }) => [
        groupId,
        members.map(({ memberMetadata }) => ({ label: labelOf(memberMetadata) })),
      ]),
  )
}

/** Asks the coordinator whether a group has no members. */
export async function isEmptyGroup(cluster: Cluster, groupId: string): Promise<boolean> {
  const { groups } = await withCoordinator(cluster, groupId, (coordinator) =>
    cluster.request(coordinator, (broker) => ask<DescribeAnswer>(broker, 'DescribeGroups', { groupIds: [groupId] })),
  )
  return groups.some((group) => group.groupId === groupId && group.errorCode === 0 && group.state === 'Empty')
}

/** Sends a request to every broker, and returns the answers that come. */
async function askAll<Answer>(cluster: Cluster, send: (broker: Broker) => Promise<Answer>): Promise<readonly Answer[]> {
  const asked = (await cluster.nodeIds()).map(async (id) => cluster.request(await cluster.node(id), send))
  const answers = await Promise.allSettled(asked)
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
}
