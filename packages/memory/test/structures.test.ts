import { emptyHeaders } from '@mq/core/adapter'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Entry } from '../src/entry.js'
import { PublishedIds } from '../src/published-ids.js'
import { ReadyQueue } from '../src/ready-queue.js'
import { testClock } from '../src/test-clock.js'
import { Timetable } from '../src/timetable.js'

const entry = (id: string, key?: string): Entry => ({
  message: {
    id,
    source: '/test',
    type: 't',
    time: '2026-01-01T00:00:00Z',
    ...(key !== undefined && { key }),
    extensions: emptyHeaders,
    headers: emptyHeaders,
    body: new Uint8Array(),
  },
  attempt: 1,
  number: Number(id),
  since: Number(id),
})

describe('Timetable', () => {
  it('runs everything that was not cancelled, in the order of time, then of making', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(50), fc.boolean()), { maxLength: 60 }), async (plan) => {
        const clock = testClock({ startAt: new Date(0) })
        const timetable = new Timetable(clock)
        timetable.open = true
        const ran: [number, number][] = []
        for (const [index, [due, cancelled]] of plan.entries()) {
          const appointment = timetable.add(due, () => {
            expect(clock.now()).toBe(due)
            ran.push([due, index])
          })
          appointment.cancelled = cancelled
        }
        await clock.advance(100)
        const expected = plan.flatMap(([due, cancelled], index) => (cancelled ? [] : [[due, index]]))
        expect(ran).toEqual(expected.sort(([a = 0, i = 0], [b = 0, j = 0]) => a - b || i - j))
      }),
      { numRuns: 50 },
    )
  })
})

describe('ReadyQueue', () => {
  it('never gives out two entries of one key, keeps the order of each key, and loses none', () => {
    const step = fc.record({
      kind: fc.constantFrom('add', 'take', 'drop', 'remove', 'finish', 'giveBack'),
      key: fc.constantFrom('a', 'b', undefined),
      pick: fc.nat(5),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = new ReadyQueue()
        const running: Entry[] = []
        const finished: Entry[] = []
        let made = 0
        let dropped = 0
        const take = (): void => {
          const taken = queue.take(true)
          if (taken === undefined) return
          const { key } = taken.message
          if (key !== undefined) expect(running.map((one) => one.message.key)).not.toContain(key)
          running.push(taken)
        }
        for (const { kind, key, pick } of steps) {
          if (kind === 'add') queue.add(entry(String(made++), key))
          else if (kind === 'take') take()
          else if (kind === 'drop') dropped += queue.dropOldest() === undefined ? 0 : 1
          else if (kind === 'remove') {
            const all = [...queue]
            const named = new Set(all.filter((_, index) => index % 3 === pick % 3))
            expect(new Set(queue.remove((one) => named.has(one)))).toEqual(named)
            expect(new Set(queue)).toEqual(new Set(all.filter((one) => !named.has(one))))
            dropped += named.size
          } else {
            const [one] = running.splice(pick % Math.max(1, running.length), 1)
            if (one === undefined) continue
            queue[kind === 'finish' ? 'finish' : 'giveBack'](one)
            if (kind === 'finish') finished.push(one)
          }
          expect(queue.length + running.length + finished.length + dropped).toBe(made)
          expect(queue.oldestSince).toBe(
            [...queue].reduce<number | undefined>(
              (oldest, { since }) => (oldest === undefined || since < oldest ? since : oldest),
              undefined,
            ),
          )
        }
        for (const one of running.splice(0)) {
          queue.finish(one)
          finished.push(one)
        }
        for (let taken = queue.take(true); taken !== undefined; taken = queue.take(true)) {
          queue.finish(taken)
          finished.push(taken)
        }
        expect(finished).toHaveLength(made - dropped)
        for (const key of ['a', 'b']) {
          const ids = finished.filter((one) => one.message.key === key).map((one) => Number(one.message.id))
          expect(ids).toEqual([...ids].sort((a, b) => a - b))
        }
      }),
      { numRuns: 300 },
    )
  })

  it('frees the entries in lanes when no consumer asks for order any more', () => {
    const queue = new ReadyQueue()
    for (const id of ['1', '2', '3']) queue.add(entry(id, 'k'))
    queue.take(true)
    expect(queue.take(true)).toBeUndefined()
    expect(queue.take(false)?.message.id).toBe('2')
    expect(queue.clear().map((one) => one.message.id)).toEqual(['3'])
  })

  it('lets the next entry of a key start when the one that its key waited for is dropped', () => {
    const queue = new ReadyQueue()
    for (const id of ['1', '2', '3']) queue.add(entry(id, 'k'))
    const first = queue.take(true) as Entry
    expect(queue.take(true)).toBeUndefined()
    queue.giveBack(first)
    expect(queue.dropOldest()).toBe(first)
    expect(queue.take(true)?.message.id).toBe('2')
    queue.add(entry('4', 'k'))
    expect(queue.dropOldest()?.message.id).toBe('4')
    expect(queue.take(true)).toBeUndefined()
  })

  it('drops the oldest entry of a key if all entries wait for their keys', () => {
    const queue = new ReadyQueue()
    for (const [id, key] of [
      ['1', 'a'],
      ['2', 'b'],
      ['3', 'b'],
      ['4', 'b'],
    ] as const)
      queue.add(entry(id, key))
    for (const id of ['1', '2', undefined]) expect(queue.take(true)?.message.id).toBe(id)
    expect(queue.length).toBe(2)
    expect(queue.dropOldest()?.message.id).toBe('3')
    expect(queue.length).toBe(1)
    expect(queue.dropOldest()?.message.id).toBe('4')
    expect(queue.length).toBe(0)
    expect(queue.dropOldest()).toBeUndefined()
  })
})

describe('PublishedIds', () => {
  it('remembers an id for the whole window and not longer', () => {
    const ids = new PublishedIds(100)
    for (let now = 0; now < 1_000; now += 10) ids.remember(String(now), 'yes', now)
    expect(ids.find('900', 990)).toBe('yes')
    expect(ids.find('900', 999)).toBe('yes')
    expect(ids.find('900', 1_000)).toBeUndefined()
    expect(ids.find('200', 990)).toBeUndefined()
  })

  it('remembers at least the latest 50,000', () => {
    const ids = new PublishedIds(1_000)
    for (let id = 0; id < 170_000; id++) ids.remember(String(id), 'yes', 0)
    expect(ids.find('120000', 1)).toBe('yes')
    expect(ids.find('10', 1)).toBeUndefined()
  })
})
