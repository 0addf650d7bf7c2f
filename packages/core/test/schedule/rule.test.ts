import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { timingOf } from '../../src/tasks/schedules/rule.js'
import { mqErrorOf, typeErrorOf } from '../support/errors.js'

/** The ticks between two times, the first one left out if it is one. */
function ticks(rule: object, from: string, to: string): string[] {
  const timing = timingOf(rule, Date.parse(from))
  const found: string[] = []
  for (
    let tick = timing.next(Date.parse(from));
    tick !== undefined && tick <= Date.parse(to);
    tick = timing.next(tick)
  ) {
    found.push(new Date(tick).toISOString())
  }
  return found
}

const hoursOf = (times: readonly string[]): string[] => times.map((time) => time.slice(5, 16))
const berlin = { timeZone: 'Europe/Berlin' }
const newYork = { timeZone: 'America/New_York' }

describe('a cron rule', () => {
  it('ticks at the local time of its zone, on the days that it names', () => {
    const found = ticks({ cron: '0 9 * * 1-5', ...berlin }, '2026-01-02T00:00:00Z', '2026-01-06T12:00:00Z')
    expect(found).toEqual(['2026-01-02T08:00:00.000Z', '2026-01-05T08:00:00.000Z', '2026-01-06T08:00:00.000Z'])
  })

  it('is in UTC where it names no zone', () => {
    expect(ticks({ cron: '30 4 * * *' }, '2026-07-01T00:00:00Z', '2026-07-01T23:00:00Z')).toEqual([
      '2026-07-01T04:30:00.000Z',
    ])
  })

  it.each([
    ['Berlin', berlin, '2026-03-28T12:00:00Z', ['03-29T07:00', '03-30T07:00']],
    ['Berlin', berlin, '2026-10-24T12:00:00Z', ['10-25T08:00', '10-26T08:00']],
    ['New York', newYork, '2026-03-07T18:00:00Z', ['03-08T13:00', '03-09T13:00']],
    ['New York', newYork, '2026-10-31T18:00:00Z', ['11-01T14:00', '11-02T14:00']],
  ])('at nine in the morning in %s stays there when the clocks change', (_, zone, from, expected) => {
    const to = new Date(Date.parse(from) + 48 * 3_600_000).toISOString()
    expect(hoursOf(ticks({ cron: '0 9 * * *', ...zone }, from, to))).toEqual(expected)
  })

  it.each([
    ['Berlin', { cron: '30 2 * * *', ...berlin }, '2026-03-28T12:00:00Z', ['03-29T01:00', '03-30T00:30']],
    ['New York', { cron: '30 2 * * *', ...newYork }, '2026-03-07T18:00:00Z', ['03-08T07:00', '03-09T06:30']],
  ])('at a time that the change to summer time leaves out runs right after it: %s', (_, rule, from, expected) => {
    const to = new Date(Date.parse(from) + 48 * 3_600_000).toISOString()
    expect(hoursOf(ticks(rule, from, to))).toEqual(expected)
  })

  it.each([
    ['Berlin', { cron: '30 2 * * *', ...berlin }, '2026-10-24T12:00:00Z', ['10-25T00:30', '10-26T01:30']],
    [
      'Berlin',
      { cron: '30 2,14 * * *', ...berlin },
      '2026-10-24T18:00:00Z',
      ['10-25T00:30', '10-25T13:30', '10-26T01:30', '10-26T13:30'],
    ],
    ['New York', { cron: '30 1 * * *', ...newYork }, '2026-10-31T18:00:00Z', ['11-01T05:30', '11-02T06:30']],
  ])('at a time that the change from summer time repeats runs once: %s', (_, rule, from, expected) => {
    const to = new Date(Date.parse(from) + 48 * 3_600_000).toISOString()
    expect(hoursOf(ticks(rule, from, to))).toEqual(expected)
  })

  it.each([
    ['Berlin', berlin, '2026-03-29T00:00:00Z'],
    ['Berlin', berlin, '2026-10-25T00:00:00Z'],
    ['New York', newYork, '2026-03-08T05:00:00Z'],
    ['New York', newYork, '2026-11-01T04:00:00Z'],
  ])('that repeats within the hour goes on through a change of the clocks: %s, %s', (_, zone, from) => {
    const to = new Date(Date.parse(from) + 5 * 3_600_000).toISOString()
    const times = ticks({ cron: '*/20 * * * *', ...zone }, from, to).map((time) => Date.parse(time))
    expect(times).toEqual(Array.from({ length: 15 }, (_, index) => Date.parse(from) + (index + 1) * 1_200_000))
  })

  it('has seconds where it has six fields', () => {
    expect(ticks({ cron: '*/20 * * * * *' }, '2026-01-01T00:00:00.500Z', '2026-01-01T00:01:00Z')).toHaveLength(3)
  })

  it('never ticks at or before the time that it is asked about, and always at the same times', () => {
    const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe')
    const cron = fc.constantFrom(
      '* * * * *',
      '*/7 3-5 * * *',
      '30 2 * * *',
      '0 0 1 * *',
      '15 9 * * 1-5',
      '*/10 * * * * *',
    )
    const time = fc.integer({ min: Date.UTC(2025, 0, 1), max: Date.UTC(2028, 0, 1) })
    fc.assert(
      fc.property(zone, cron, time, fc.integer({ min: 1, max: 3_600_000 }), (timeZone, pattern, from, earlier) => {
        const timing = timingOf({ cron: pattern, timeZone }, from)
        const tick = timing.next(from) as number
        expect(tick).toBeGreaterThan(from)
        // Nothing lies between: who asks a little earlier gets this tick or one before it, and comes to it from there.
        let before = timing.next(from - earlier) as number
        while (before <= from) before = timing.next(before) as number
        expect(before).toBe(tick)
      }),
      { numRuns: 200 },
    )
    // Croner computes ticks one by one, some ten thousand of them here.
  }, 60_000)
})

describe('an interval', () => {
  it('is counted from the beginning of 1970, whoever asks and whenever', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 10_000_000 }),
        fc.integer({ min: 0, max: 4_000_000_000_000 }),
        (everyMs, from) => {
          const timing = timingOf({ everyMs }, from)
          const tick = timing.next(from) as number
          expect(tick % everyMs).toBe(0)
          expect(tick).toBeGreaterThan(from)
          expect(tick - from).toBeLessThanOrEqual(everyMs)
          expect(timing.next(tick - 1)).toBe(tick)
          expect(timing.next(tick)).toBe(tick + everyMs)
        },
      ),
    )
  })
})

describe('two rules', () => {
  it('have the same text when they have the same ticks by the same words, and only then', () => {
    const text = (rule: object): string => timingOf(rule, 0).text
    expect(text({ cron: ' 0  9 * * * ' })).toBe(text({ cron: '0 9 * * *', timeZone: 'UTC', missed: 'runOnce' }))
    const different = [
      { cron: '0 9 * * *' },
      { cron: '0 9 * * *', ...berlin },
      { cron: '0 8 * * *' },
      { everyMs: 1_000 },
    ]
    expect(new Set(different.map(text)).size).toBe(different.length)
  })
})

describe('a rule that cannot be followed', () => {
  it.each([
    ['with too few fields', { cron: '0 9 * *' }, /no cron expression/],
    ['with a value out of range', { cron: '99 * * * *' }, /no cron expression/],
    ['of no words at all', { cron: '' }, /no cron expression/],
    ['that is a date', { cron: '2030-01-01T00:00:00' }, /'at'/],
    ['that never comes', { cron: '0 0 31 2 *' }, /no tick/],
    ['that is over', { cron: '0 0 0 1 1 * 2020' }, /no tick/],
    ['in an unknown time zone', { cron: '0 9 * * *', timeZone: 'Mars/Olympus' }, /time zone/],
    ['every nothing', { everyMs: 0 }, /everyMs/],
    ['every less than nothing', { everyMs: -1_000 }, /everyMs/],
    ['every fraction', { everyMs: 1_000.5 }, /whole/],
    ['of both kinds', { cron: '0 9 * * *', everyMs: 1_000 }, /either/],
    ['of neither kind', {}, /either/],
    ['with a time zone and no cron', { everyMs: 1_000, timeZone: 'UTC' }, /timeZone/],
    ['with a misspelt option', { cron: '0 9 * * *', timezone: 'UTC' }, /timezone/],
    ['with another way to miss', { everyMs: 1_000, missed: 'all' }, /missed/],
  ])('%s is refused by name', async (_, rule, words) => {
    const error = await mqErrorOf(() => timingOf(rule, Date.UTC(2026, 0, 1)), 'MQ_INVALID_OPTION')
    expect(error.message).toMatch(words)
  })

  it.each([[undefined], ['0 9 * * *'], [{ cron: 9 }], [{ cron: '0 9 * * *', timeZone: 1 }], [{ everyMs: '1000' }]])(
    'of a wrong type is a TypeError: %j',
    async (rule) => {
      await typeErrorOf(() => timingOf(rule, 0))
    },
  )
})
