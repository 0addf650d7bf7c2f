import { describe, expect, it } from 'vitest'
import { Changes, type ChangesOptions } from '../src/consume/changes.js'
import type { KafkaRecord } from '../src/driver/records/record-batch.js'
import type { OutgoingRecord } from '../src/driver/records/record-writer.js'
import {
  type ChangeRequest,
  changeNoteOf,
  encodeAnswer,
  encodeRequest,
  encodeWithdrawal,
  StandingChanges,
} from '../src/topology/change-notes.js'
import { decodePlace, encodePlace } from '../src/wire/message-place.js'
import { takeOne, trackerOf } from './support/tracker.js'

/** Returns the record that the notes have after one was written. */
const stored = ({ key, value, headers }: OutgoingRecord): KafkaRecord => ({
  offset: 0,
  bytes: 0,
  timestampMs: 0,
  key: key === null ? undefined : Buffer.from(key),
  value: value ?? undefined,
  headers: headers.map(({ name, value: text }) => ({ name, value: String(text) })),
})

const requestOf = (given: Partial<ChangeRequest> = {}): ChangeRequest => ({
  key: 'change.1',
  action: 'remove',
  topic: 't',
  partition: 0,
  identity: '',
  offsets: [5, 7],
  ...given,
})

function standingOf(...requests: readonly ChangeRequest[]): StandingChanges {
  const standing = new StandingChanges()
  for (const request of requests) take(standing, encodeRequest(request))
  return standing
}

function take(standing: StandingChanges, record: OutgoingRecord): void {
  const note = changeNoteOf(stored(record))
  if (note !== undefined) standing.take(note)
}

/** Makes the changes of a consumer that has one partition, whose commits end as the test decides. */
function ownerOf(standing: StandingChanges, given: { readonly uncovered?: readonly number[] } = {}) {
  const tracker = trackerOf()
  takeOne(tracker, { offset: 5, bytes: 10 })
  const answers: OutgoingRecord[] = []
  const removed: number[] = []
  let committed = (_: boolean): void => {}
  const promise = new Promise<boolean>((resolve) => {
    committed = resolve
  })
  const options = {
    standing,
    workload: {
      find: ({ partition }: { partition: number }) => (partition === 0 ? tracker : undefined),
      removeMessages: (_: unknown, offsets: readonly number[]) => {
        removed.push(...offsets)
        return { done: offsets.slice(0, 1), kept: offsets.slice(1), moving: [] }
      },
    },
    commits: { holds: () => promise, uncovered: () => given.uncovered ?? [] },
    note: async (record: OutgoingRecord) => void answers.push(record),
    report() {},
  }
  const changes = new Changes(options as unknown as ChangesOptions)
  return { changes, answers, removed, committed: (isCommitted: boolean) => committed(isCommitted) }
}

/** Resolves when everything has run that can run now. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('the owner of a partition', () => {
  it('answers once the group has committed what it has removed, and carries a request out once', async () => {
    const standing = standingOf(requestOf(), requestOf({ key: 'change.2', partition: 1 }))
    const { changes, answers, removed, committed } = ownerOf(standing)
    changes.carryOut()
    changes.carryOut()
    await settled()
    expect({ removed, answers }).toEqual({ removed: [5, 7], answers: [] })
    committed(true)
    await settled()
    expect(answers).toEqual([encodeAnswer('change.1', { done: [5], kept: [7] }, undefined)])
  })

  it('leaves the answer to the next owner if it loses the partition before that', async () => {
    const { changes, answers, committed } = ownerOf(standingOf(requestOf()))
    changes.carryOut()
    committed(false)
    await settled()
    expect(answers).toEqual([])
  })

  it('lets a request stand for what the text beside the offset has no room for', async () => {
    const { changes, answers, committed } = ownerOf(standingOf(requestOf()), { uncovered: [5] })
    changes.carryOut()
    committed(true)
    await settled()
    expect(answers).toEqual([encodeAnswer('change.1', { done: [5], kept: [7] }, requestOf({ offsets: [5] }))])
  })

  it('does not carry out a request that was taken back', async () => {
    const standing = standingOf(requestOf())
    take(standing, encodeWithdrawal('change.1'))
    const { changes, removed } = ownerOf(standing)
    changes.carryOut()
    expect(removed).toEqual([])
  })
})

describe('the changes that stand', () => {
  it('end with their answer, or become what is left of them, and keep their turn', () => {
    const standing = standingOf(requestOf(), requestOf({ key: 'change.2' }), requestOf({ key: 'change.3' }))
    take(standing, encodeAnswer('change.1', { done: [5, 7], kept: [] }, requestOf({ offsets: [7] })))
    take(standing, encodeAnswer('change.2', { done: [], kept: [] }, undefined))
    expect(standing.requests).toEqual([requestOf({ offsets: [7] }), requestOf({ key: 'change.3' })])
    const at = { topic: 't', partition: 0 }
    expect([5, 7].map((offset) => standing.isRemovedBefore('change.3', { ...at, offset }))).toEqual([false, true])
    expect(standing.isRemovedBefore('change.1', { ...at, offset: 7 })).toBe(false)
    expect(standing.removedIn(at, 'topic.cluster')).toEqual([7, 5, 7])
    expect(standing.removedIn({ topic: 't', partition: 1 }, undefined)).toEqual([])
  })

  it('are about the topic that was there', () => {
    const standing = standingOf(requestOf({ identity: 'topic.cluster' }))
    expect(standing.removedIn({ topic: 't', partition: 0 }, 'other.cluster')).toEqual([])
    expect(standing.removedIn({ topic: 't', partition: 0 }, undefined)).toEqual([5, 7])
  })

  it('are no more than 1,000, of 100,000 messages', () => {
    const many = Array.from({ length: 1_001 }, (_, index) => requestOf({ key: `change.${index}` }))
    expect(standingOf(...many).requests).toEqual(many.slice(0, 1_000))
    const offsets = Array.from({ length: 1_000 }, (_, index) => index)
    const large = Array.from({ length: 101 }, (_, index) => requestOf({ key: `change.${index}`, offsets }))
    expect(standingOf(...large).requests).toHaveLength(100)
  })

  it('are none that another program has written wrongly', () => {
    const wrong = ['', '{', 'null', '[]', '"x"', '{"action":"remove"}']
    const values = [...wrong, JSON.stringify({ ...requestOf(), offsets: [-1] })]
    for (const value of [...values, JSON.stringify({ ...requestOf(), action: 'burn' })]) {
      const note = changeNoteOf(stored({ key: 'change.1', value: Buffer.from(value), headers: [] }))
      expect(note, value).toEqual({ key: 'change.1', request: undefined, answer: undefined })
    }
    expect(changeNoteOf(stored(encodeRequest(requestOf({ key: 'pause' }))))).toBeUndefined()
  })
})

describe('the name of an entry', () => {
  it('says where its message is', () => {
    const place = { kind: 'retry', partition: 3, offset: 1_234, timestampMs: 1_800_000_000_000 } as const
    expect(decodePlace(encodePlace(place))).toEqual(place)
    for (const text of ['', 'x', 'm0-1', 'q0-1-a', 'm0-1-a-b', 'm-1-1-a', `m0-${'9'.repeat(16)}-a`])
      expect(decodePlace(text), text).toBeUndefined()
  })
})
