import { until } from '@mq/test-brokers'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Cluster, TopicPartition } from '../src/driver/cluster.js'
import { type Loss, Member, type MemberListener } from '../src/driver/group/member.js'
import { type Claimant, decodeClaim, encodeShare } from '../src/driver/group/shares.js'
import type { Broker } from '../src/driver/kafkajs-types.js'
import { createErrorFromCode } from '../src/driver/protocol.js'

const codes = { notCoordinator: 16, illegalGeneration: 22, unknownMember: 25, rebalance: 27 } as const
const partitions: readonly TopicPartition[] = [{ topic: 't', partition: 0 }]

interface JoinRequest {
  readonly groupProtocols: readonly { readonly metadata: Buffer }[]
}

/** A group of one member, which always gets everything. The test decides the answers to heartbeats and commits. */
function groupOfOne() {
  const claims: Claimant[] = []
  const heartbeats: number[] = []
  const commits: ((code: number) => void)[] = []
  let ready: Promise<void> = Promise.resolve()
  const join = ({ groupProtocols }: JoinRequest) => {
    const metadata = groupProtocols[0]?.metadata ?? Buffer.alloc(0)
    claims.push(decodeClaim('m', metadata))
    const members = [{ memberId: 'm', memberMetadata: metadata }]
    return { errorCode: 0, generationId: claims.length, leaderId: 'm', memberId: 'm', members }
  }
  const broker: Partial<Broker> = {
    lookupRequest: () => (request) => ({ request, response: {} }) as never,
    connectionPool: { send: async ({ request }: { request: unknown }) => join(request as JoinRequest) } as never,
    syncGroup: async () => ({ memberAssignment: encodeShare({ partitions, pending: 0 }) }),
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
    claims,
    heartbeats,
    commits,
    /** Lets no join begin before that. */
    holdUp(until: Promise<void>) {
      ready = until
    },
    start(listener: Partial<MemberListener>): Member {
      const times = { sessionTimeoutMs: 2_000, rebalanceTimeoutMs: 2_000 }
      const none = { assigned: async () => {}, revoked: async () => {}, lost() {}, joined() {}, failing() {} }
      const member = new Member({ cluster, groupId: 'g', topics: ['t'], ...times })
      onTestFinished(() => member.stop(1_000))
      member.start({ ...none, ...listener })
      return member
    },
  }
}

function gate() {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open: () => open() }
}

describe('a member that has lost its partitions', () => {
  const sessionMs = 2_000

  it('says that its process stood still, if it has held the event loop for a session', async () => {
    const losses: Loss[] = []
    let joined = 0
    groupOfOne().start({ joined: () => void joined++, lost: (_, loss) => void losses.push(loss) })
    await until(() => joined === 1, { what: 'the member to be in' })
    const endsAt = performance.now() + sessionMs + 300
    while (performance.now() < endsAt);
    await until(() => losses.length === 1, { what: 'the loss' })
    expect(losses[0]?.stoodStill).toBe(true)
  })

  it('does not say so if the group has thrown it out', async () => {
    const losses: Loss[] = []
    const group = groupOfOne()
    let joined = 0
    group.start({ joined: () => void joined++, lost: (_, loss) => void losses.push(loss) })
    await until(() => joined === 1, { what: 'the member to be in' })
    group.heartbeats.push(codes.unknownMember)
    await until(() => losses.length === 1, { what: 'the loss' })
    expect(losses[0]?.stoodStill).toBe(false)
  })
})

describe('a member that the group no longer knows', () => {
  it.each(['notCoordinator', 'rebalance'] as const)(
    'joins without a claim if it hears that while its share is assigned, also if %s follows',
    async (next) => {
      const group = groupOfOne()
      const { opened, open } = gate()
      const lost: unknown[] = []
      group.heartbeats.push(codes.unknownMember, codes[next])
      group.start({ assigned: () => opened, lost: (some) => void lost.push(...some) })
      await until(() => group.heartbeats.length === 0, { what: 'both answers' })
      open()
      await until(() => group.claims.length === 2, { what: 'the member to join again' })
      expect(group.claims[1]).toMatchObject({ generation: -1, owned: [] })
      expect(lost).toEqual(partitions)
    },
  )

  it('joins without a claim if it hears that while it is about to join', async () => {
    const group = groupOfOne()
    const lost: unknown[] = []
    let joined = 0
    const { opened, open } = gate()
    const member = group.start({ joined: () => void joined++, lost: (some) => void lost.push(...some) })
    await until(() => joined === 1, { what: 'the member to be in' })
    const committing = member.commit([{ topic: 't', partition: 0, offset: 1 }])
    committing.catch(() => {})
    group.holdUp(opened)
    group.heartbeats.push(codes.rebalance)
    await until(() => !member.isIn, { what: 'the member to join' })
    group.commits[0]?.(codes.illegalGeneration)
    await expect(committing).rejects.toMatchObject({ type: 'ILLEGAL_GENERATION' })
    open()
    await until(() => group.claims.length === 2, { what: 'the member to join again' })
    expect(group.claims[1]).toMatchObject({ generation: -1, owned: [] })
    expect(lost).toEqual(partitions)
  })
})
