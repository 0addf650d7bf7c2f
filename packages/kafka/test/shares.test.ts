import { describe, expect, it } from 'vitest'
import { nameOf, type TopicPartition } from '../src/driver/cluster.js'
import { type Claimant, shareOut } from '../src/driver/group/shares.js'

const partitions = (topic: string, count: number): TopicPartition[] =>
  Array.from({ length: count }, (_, partition) => ({ topic, partition }))

/** Lets every member take its share, release the rest and join again, until nothing moves any more. */
function settle(claimants: readonly Claimant[], all: readonly TopicPartition[]) {
  let current = claimants
  for (let rounds = 1; rounds < 10; rounds++) {
    const shares = shareOut(current, all)
    const owners = [...shares.values()].flatMap((share) => share.partitions.map(nameOf))
    expect(new Set(owners).size, 'a partition with two owners').toBe(owners.length)
    current = [...shares].map(([memberId, share]) => ({ memberId, generation: rounds, owned: share.partitions }))
    if ([...shares.values()].every(({ pending }) => pending === 0)) return { current, rounds }
  }
  throw new Error('The shares do not settle')
}

const member = (memberId: string, owned: readonly TopicPartition[] = [], generation = 1): Claimant => ({
  memberId,
  generation,
  owned,
})

describe('the shares of a group', () => {
  it('give one member everything', () => {
    const all = [...partitions('a', 3), ...partitions('b', 1)]
    expect(shareOut([member('x')], all).get('x')).toEqual({ partitions: all, pending: 0 })
  })

  it('are even for each topic, and no partition is left out or given twice', () => {
    const all = [...partitions('a', 7), ...partitions('b', 10), ...partitions('c', 1)]
    const { current } = settle([member('x'), member('y'), member('z')], all)
    expect(current.flatMap(({ owned }) => owned.map(nameOf)).sort()).toEqual(all.map(nameOf).sort())
    for (const topic of ['a', 'b']) {
      const counts = current.map(({ owned }) => owned.filter((at) => at.topic === topic).length)
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
    }
  })

  it('keep a partition from its new owner until the old one has released it', () => {
    const all = partitions('a', 4)
    const shares = shareOut([member('old', all), member('new')], all)
    expect(shares.get('old')).toEqual({ partitions: partitions('a', 2), pending: 0 })
    expect(shares.get('new')).toEqual({ partitions: [], pending: 2 })
  })

  it('move as little as possible', () => {
    const all = partitions('a', 6)
    const [x, y] = [all.slice(0, 3), all.slice(3)]
    const { current } = settle([member('x', x), member('y', y), member('z')], all)
    const kept = (memberId: string, before: readonly TopicPartition[]): number =>
      before.filter((at) =>
        current.find((one) => one.memberId === memberId)?.owned.some((own) => nameOf(own) === nameOf(at)),
      ).length
    expect(kept('x', x) + kept('y', y)).toBe(4)
  })

  it('go to the other members at once when a member is gone', () => {
    const all = partitions('a', 6)
    const shares = shareOut([member('x', all.slice(0, 3))], all)
    expect(shares.get('x')?.partitions).toHaveLength(6)
  })

  it('give nothing to members without a partition', () => {
    const { current } = settle([member('x'), member('y')], partitions('a', 1))
    expect(current.map(({ owned }) => owned.length).sort()).toEqual([0, 1])
  })

  it('believe the later generation if two members claim a partition', () => {
    const all = partitions('a', 2)
    const shares = shareOut([member('stale', all, 3), member('owner', all, 4)], all)
    expect(shares.get('stale')).toEqual({ partitions: [], pending: 1 })
    expect(shares.get('owner')?.partitions).toHaveLength(1)
  })
})
