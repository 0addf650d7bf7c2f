import type { DeadLetter } from '@mq/core'
import { describe, expect, it } from 'vitest'
import { durationMs, requireRate } from '../src/input/duration.js'
import { readWhere } from '../src/input/where.js'
import { safeJson, safeLines, safeText, shortened } from '../src/output/escape.js'
import { shownCount, shownDuration } from '../src/output/show.js'
import { table } from '../src/output/table.js'
import { obeyed } from './support/mq.js'

describe('what comes from a message', () => {
  it('loses everything that a terminal obeys, and nothing else', () => {
    expect(safeText('ü\u001b[2J\u0007\u009b\u202e\u200b\u2028\ud800é')).toBe(
      'ü\\u001b[2J\\u0007\\u009b\\u202e\\u200b\\u2028\\ud800é',
    )
    expect(safeLines('a\r\nb\u0000\tc')).toBe('a\nb\\u0000  c')
  })

  it('is the same value for a program that reads the JSON', () => {
    const value = { text: '\u001b\u202e\u009f \ud83d\ude00', 'k\u200b': [null] }
    expect(obeyed(safeJson(value))).toEqual([])
    expect(JSON.parse(safeJson(value))).toEqual(value)
    expect(safeJson(undefined)).toBe('null')
  })

  it('is cut for a column, without half a character', () => {
    expect(shortened('x'.repeat(300), 40)).toBe(`${'x'.repeat(39)}…`)
    expect(shortened('ab\u{1f600}cd', 4)).toBe('ab…')
    expect(shortened('\u0000'.repeat(300), 12)).toBe('\\u0000\\u000…')
  })
})

describe('numbers', () => {
  it('that are not known are never shown as zero', () => {
    expect([shownCount(undefined), shownCount(0), shownCount(12_345)]).toEqual(['unknown', '0', '12,345'])
  })

  it('of time are read and shown with units', () => {
    expect(['500ms', '5s', '1.5h', '2d', '5', '-1s', ''].map(durationMs)).toEqual([
      500,
      5_000,
      5_400_000,
      172_800_000,
      undefined,
      undefined,
      undefined,
    ])
    expect([250, 59_000, 3_700_000, 90_000_000, undefined].map(shownDuration)).toEqual([
      '250ms',
      '59s',
      '1h 1m',
      '1d 1h',
      'unknown',
    ])
    expect(['50', '600/m', '36/h'].map(requireRate)).toEqual([
      { messages: 50, perMs: 1_000 },
      { messages: 600, perMs: 60_000 },
      { messages: 36, perMs: 3_600_000 },
    ])
  })
})

describe('a table', () => {
  it('has columns that line up, and no lines', () => {
    const rows = [
      ['a', '1'],
      ['longer', '100'],
    ]
    expect(table({ head: ['name', 'n'], rows, numbers: ['n'], bold: (text) => text })).toBe(
      'NAME      N\na         1\nlonger  100',
    )
  })
})

describe('--where', () => {
  const letter = {
    entryId: '1-0',
    message: { id: 'i', key: 'k', type: 't', source: '/s', headers: { tenant: 'acme' } },
    data: { user: { id: 7, name: 'Ada', tags: ['x'] }, empty: null },
    tombstone: false,
    failure: {
      reason: 'timeout',
      error: { name: 'TypeError', message: 'Connection RESET', code: 'ECONN' },
      attempts: 3,
      firstFailedAt: Date.now() - 7_200_000,
      failedAt: Date.now() - 3_600_000,
    },
  } as unknown as DeadLetter

  it.each([
    [['reason=timeout'], true],
    [['reason=error'], false],
    [['reason!=error'], true],
    [['error.name=TypeError', 'error.code=ECONN'], true],
    [['error.message~reset'], true],
    [['age>30m'], true],
    [['age>2h'], false],
    [['age<=2h', 'attempts>=3'], true],
    [['key=k', 'id=i', 'type=t', 'source=/s'], true],
    [['headers.tenant=acme'], true],
    [['headers.other=acme'], false],
    [['data.user.id=7'], true],
    [['data.user.id<7'], false],
    [['data.user.name~AD'], true],
    [['data.user.tags.0=x'], true],
    [['data.user.missing!=1'], true],
    [['data.empty=null'], false],
    [['data.user.constructor!=1'], true],
    [['data.user.name>1'], false],
    [['tombstone=false'], true],
    [['reason=timeout', 'key=other'], false],
  ])('%j holds: %s', (texts, expected) => {
    expect(readWhere(texts)(letter)).toBe(expected)
  })
})
