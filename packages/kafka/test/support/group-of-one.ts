import { onTestFinished } from 'vitest'
import type { Cluster, TopicPartition } from '../../src/driver/cluster.js'
import { Member, type MemberListener } from '../../src/driver/group/member.js'
import { type Claimant, decodeClaim, encodeShare } from '../../src/driver/group/shares.js'
import type { Broker } from '../../src/driver/kafkajs-types.js'
import { createErrorFromCode } from '../../src/driver/protocol.js'

export const codes = { notCoordinator: 16, illegalGeneration: 22, unknownMember: 25, rebalance: 27 } as const
export const partitions: readonly TopicPartition[] = [{ topic: 't', partition: 0 }]

interface JoinRequest {
  readonly memberId: string
  readonly groupProtocols: readonly { readonly metadata: Buffer }[]
}

export const sessionMs = 2_000

/** A group of one member, which always gets everything. The test decides the answers to heartbeats and commits. */
export function groupOfOne() {
  const claims: Claimant[] = []
  const heartbeats: number[] = []
  const commits: ((code: number) => void)[] = []
  let share: readonly TopicPartition[] = partitions
  let ready: Promise<void> = Promise.resolve()
  let naming: { readonly name: string; readonly until: Promise<void> } | undefined
  const join = async ({ groupProtocols, memberId }: JoinRequest) => {
    if (naming !== undefined && memberId === '') return { errorCode: 79, memberId: naming.name }
    await naming?.until
    const metadata = groupProtocols[0]?.metadata ?? Buffer.alloc(0)
    claims.push(decodeClaim('m', metadata))
    const members = [{ memberId: 'm', memberMetadata: metadata }]
    return { errorCode: 0, generationId: claims.length, leaderId: 'm', memberId: 'm', members }
  }
  const broker: Partial<Broker> = {
    lookupRequest: () => (request) => ({ request, response: {} }) as never,
    connectionPool: { send: async ({ request }: { request: unknown }) => join(request as JoinRequest) } as never,
    syncGroup: async () => ({ memberAssignment: encodeShare({ partitions: share, pending: 0 }) }),
    heartbeat: async () => {
      const code = heartbeats.shift()
      if (code !== undefined) throw createErrorFromCode(code)
    },
    offsetCommit: () => new Promise((_, reject) => commits.push((code) => reject(createErrorFromCode(code)))),
    leaveGroup: async () => {},
  }
  const cluster = {
    coordinator: async () => {
      await ready
      return broker
    },
    request: (_: Broker, send: (to: unknown) => Promise<unknown>) => send(broker),
    allPartitions: async () => partitions,
    apart: async () => broker,
    drop() {},
    forget() {},
  } as unknown as Cluster
  return {
    cluster,
    claims,
    heartbeats,
    commits,
    /** Names the member before it may join, and lets it join after that. */
    name(name: string, until: Promise<void>) {
      naming = { name, until }
    },
    /** Decides what the member gets from the next generation on. */
    give(next: readonly TopicPartition[]) {
      share = next
    },
    /** Lets no join begin before that. */
    holdUp(until: Promise<void>) {
      ready = until
    },
    start(listener: Partial<MemberListener>): Member {
      const times = { sessionTimeoutMs: sessionMs, rebalanceTimeoutMs: sessionMs }
      const none = { assigned: async () => {}, revoked: async () => {}, lost() {}, joined() {}, failing() {} }
      const member = new Member({ cluster, groupId: 'g', topics: ['t'], ...times })
      onTestFinished(() => member.stop(1_000))
      member.start({ ...none, ...listener })
      return member
    },
  }
}
