import { randomUUID } from 'node:crypto'
import { type GroupRef, withTimeout } from '@mq/core/adapter'
import { isAuthError } from '../driver/errors.js'
import type { Membership } from '../driver/group/membership.js'
import type { Memberships } from '../driver/group/memberships.js'
import { withCoordinator } from '../driver/offsets.js'
import type { Names } from '../topology/plans.js'
import { encodeRoster } from '../wire/roster.js'
import type { ConsumerConnections } from './consumer-context.js'

export interface RosterOptions {
  readonly names: Names
  readonly memberships: Memberships
  readonly connections: ConsumerConnections
}

/** Changes that come within this time take one membership. */
const gatherMs = 50
/** How long leaving the group may take, and removing it. */
const leaveMs = 250

interface Listed {
  readonly groupId: string
  readonly member: Membership
}

/**
 * Says to everybody which ephemeral subscriptions this process has. They are in no group, so the broker does not know them. The process
 * is the only member of a group whose text names them, and which ends with the process.
 *
 * See docs/decisions/0027-kafka-looking-and-pausing.md.
 */
export function createRoster({ names, memberships, connections }: RosterOptions) {
  const { membership, cluster } = connections
  const subscriptions = new Set<GroupRef>()
  const open = new Set<Listed>()
  let timer: NodeJS.Timeout | undefined
  /** The user lacks the right, so nothing is listed. */
  let isRefused = false

  async function end(one: Listed): Promise<void> {
    if (!open.delete(one)) return
    await one.member.stop(leaveMs)
    // Kafka removes an empty group by itself, some minutes later.
    const deleted = withCoordinator(cluster, one.groupId, (coordinator) =>
      cluster.request(coordinator, (broker) => broker.deleteGroups([one.groupId]), leaveMs),
    )
    await withTimeout(deleted, leaveMs, () => new Error('late')).catch(() => {})
  }

  const endAll = async (except?: Listed): Promise<void> => {
    await Promise.all([...open].filter((one) => one !== except).map(end))
  }

  function renew(): void {
    timer = undefined
    if (isRefused || subscriptions.size === 0) return
    const groupId = names.roster(randomUUID())
    const group = { groupId, topics: [], label: encodeRoster([...subscriptions]) }
    const one = { groupId, member: memberships.open(group, { membership, commits: cluster }) }
    open.add(one)
    one.member.start({
      assigned: async () => {},
      revoked: async () => {},
      lost() {},
      // The one before is left only now, so that what it names is listed all the time.
      joined: () => void endAll(one),
      failing(error) {
        if (!isAuthError(error)) return
        isRefused = true
        void endAll()
      },
    })
  }

  function changed(): void {
    timer ??= setTimeout(renew, gatherMs).unref()
  }

  async function close(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    await endAll()
  }

  return {
    add(ref: GroupRef): void {
      subscriptions.add(ref)
      changed()
    },
    /** Resolves when the last one is gone from the broker, too, as far as that can be reached in time. */
    async remove(ref: GroupRef): Promise<void> {
      if (!subscriptions.delete(ref)) return
      if (subscriptions.size === 0) await close()
      else changed()
    },
    close,
  }
}
