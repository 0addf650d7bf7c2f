import { until } from '@mq/test-brokers'
import { describe, expect, it } from 'vitest'
import type { Loss } from '../src/driver/group/member.js'
import { codes, groupOfOne, partitions, sessionMs } from './support/group-of-one.js'

function gate() {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open: () => open() }
}

describe('a member that has lost its partitions', () => {
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

describe('a member whose process stands still', () => {
  it('joins again with a claim to what it was given, and takes that once', async () => {
    const group = groupOfOne()
    const { opened, open } = gate()
    let [asked, joined] = [0, 0]
    const assigned = async (): Promise<void> => {
      asked += 1
      await opened
    }
    group.start({ assigned, joined: () => void joined++ })
    await until(() => asked === 1, { what: 'the question' })
    group.heartbeats.push(codes.rebalance)
    await until(() => group.claims.length === 2, { what: 'the member to join again' })
    group.heartbeats.push(codes.rebalance)
    await until(() => group.claims.length === 3, { what: 'the member to join once more' })
    open()
    await until(() => joined === 1, { what: 'the member to be in' })
    expect(group.claims[2]).toMatchObject({ owned: partitions })
    expect(asked).toBe(1)
  })

  it('joins again with a claim to what it is to give up, and without one once that is done', async () => {
    const group = groupOfOne()
    const { opened, open } = gate()
    let [asked, joined] = [0, 0]
    const revoked = async (): Promise<void> => {
      asked += 1
      await opened
    }
    group.start({ revoked, joined: () => void joined++ })
    await until(() => joined === 1, { what: 'the member to be in' })
    group.give([])
    group.heartbeats.push(codes.rebalance)
    await until(() => asked === 1, { what: 'the question' })
    group.heartbeats.push(codes.rebalance)
    await until(() => group.claims.length === 3, { what: 'the member to join again' })
    expect(group.claims[2]).toMatchObject({ owned: partitions })
    open()
    await until(() => joined === 2, { what: 'the member to be in again' })
    expect(group.claims[3]).toMatchObject({ owned: [] })
    expect([asked, group.claims.length]).toEqual([1, 4])
  })

  it('takes what it has given up if the group gives it back meanwhile', async () => {
    const group = groupOfOne()
    const { opened, open } = gate()
    const calls: string[] = []
    let joined = 0
    group.start({
      assigned: async () => void calls.push('assigned'),
      async revoked() {
        calls.push('revoked')
        await opened
      },
      joined: () => void joined++,
    })
    await until(() => joined === 1, { what: 'the member to be in' })
    group.give([])
    group.heartbeats.push(codes.rebalance)
    await until(() => calls.length === 2, { what: 'the question' })
    group.give(partitions)
    group.heartbeats.push(codes.rebalance)
    await until(() => group.claims.length === 3, { what: 'the member to join again' })
    open()
    await until(() => joined === 2, { what: 'the member to be in again' })
    expect(calls).toEqual(['assigned', 'revoked', 'assigned'])
  })
})

describe('a member that was only named by its group', () => {
  it('sends no heartbeat before it is in a generation', async () => {
    const group = groupOfOne()
    const { opened, open } = gate()
    group.name('n', opened)
    let joined = 0
    group.heartbeats.push(codes.unknownMember)
    const losses: Loss[] = []
    const member = group.start({ joined: () => void joined++, lost: (_, loss) => void losses.push(loss) })
    await until(() => member.memberId === 'n', { what: 'the name' })
    // Its timer runs several times in a session.
    await new Promise((resolve) => setTimeout(resolve, sessionMs / 2))
    expect(group.heartbeats).toHaveLength(1)
    open()
    await until(() => joined === 1, { what: 'the member to be in' })
  })
})
