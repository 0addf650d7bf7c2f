import { describe, expect, it } from 'vitest'
import { promises } from '../../src/conformance/promises.js'
import type { CaseResult, ConformanceReport } from '../../src/conformance/runner/report.js'
import { jsonReport, markdownMatrix, resultLine, textReport } from '../../src/conformance/runner/report-formats.js'
import { capabilities, resultOf } from './support/cases.js'

const error = new Error('Expected one\nand got two')
const results: readonly CaseResult[] = [
  resultOf({ id: 'A-1', title: 'one', promises: [1, 2], durationMs: 12 }),
  resultOf({ id: 'A-2', title: 'two', promises: [2], status: 'failed', reason: 'Expected one', error }),
  resultOf({ id: 'B-1', title: 'three', promises: [3], status: 'not run', reason: 'it is long', long: true }),
  resultOf({ id: 'B-2', title: 'four', promises: [1, 4], status: 'not applicable', reason: 'it cannot' }),
]

const report: ConformanceReport = {
  suite: '1.2.3',
  adapter: 'nats',
  broker: 'NATS 2.12',
  node: '20.20.2',
  capabilities,
  seed: 42,
  startedAt: '2026-11-24T12:00:00.000Z',
  durationMs: 1_234,
  results,
  holds: false,
}

describe('the report as text', () => {
  it('has versions and seed first, then a line for each case, the failures and the totals', () => {
    const lines = textReport(report).split('\n')
    expect(lines.slice(0, 6)).toEqual([
      'nats on NATS 2.12, conformance suite 1.2.3, Node 20.20.2, seed 42',
      '',
      '✔ A-1 one (12 ms)',
      '✖ A-2 two (1 ms): Expected one',
      '– B-1 three (not run): it is long',
      '· B-2 four (not applicable): it cannot',
    ])
    expect(lines.slice(6, 11)).toEqual([
      '',
      'A-2 two',
      '    breaks promise 2: messages accepted after subscribe or declareGroup reach the group',
      '    Error: Expected one',
      '    and got two',
    ])
    expect(lines.at(-1)).toBe('The suite does not hold: 1 passed, 1 failed, 1 not run, 1 not applicable in 1.2 s')
  })

  it('shows the causes of a failure', () => {
    const cause = new TypeError('socket gone', { cause: 'a wire' })
    const failed = resultOf({ status: 'failed', error: new Error('not stored', { cause }) })
    const text = textReport({ ...report, results: [failed] })
    expect(text).toMatch(/ {4}Error: not stored\n.* {4}Caused by: TypeError: socket gone\n.* {4}Caused by: 'a wire'/s)
    const read = JSON.parse(jsonReport({ ...report, results: [failed] }))
    expect(read.results[0].error.causes).toEqual([
      { name: 'TypeError', message: 'socket gone' },
      { message: "'a wire'" },
    ])
  })

  it('says what a passed case could not measure', () => {
    const line = resultLine(resultOf({ reason: 'it does not count delayed' }))
    expect(line).toBe('✔ TST-1 a case of the tests (1 ms): it does not count delayed')
  })

  it('says only that the tested promises hold', () => {
    const good = { ...report, results: results.slice(0, 1), holds: true }
    expect(textReport(good)).toMatch(/Every promise that was tested holds: 1 passed, 0 failed/)
    expect(resultLine(resultOf())).toBe('✔ TST-1 a case of the tests (1 ms)')
  })
})

describe('the report as JSON', () => {
  it('can be parsed, with errors as name and text and without infinities', () => {
    const read = JSON.parse(jsonReport(report)) as ConformanceReport
    expect(read).toMatchObject({ suite: '1.2.3', adapter: 'nats', broker: 'NATS 2.12', seed: 42, holds: false })
    expect(read.results).toHaveLength(4)
    expect(read.results[1]?.error).toEqual({ name: 'Error', message: 'Expected one\nand got two' })
    expect(read.results[0]).not.toHaveProperty('error')
    expect(read.capabilities.maxHandlerMs).toBe(Number.MAX_VALUE)
  })
})

describe('the report as a matrix', () => {
  it('has a row for each promise and a column for each adapter', () => {
    const other = { ...report, adapter: 'memory', broker: undefined, results: [results[0] as CaseResult] }
    const { broker: _, ...embedded } = other
    const rows = markdownMatrix([report, embedded]).split('\n')
    expect(rows[0]).toBe('| | promise | nats (NATS 2.12) | memory |')
    expect(rows[1]).toBe('|---|---|---|---|')
    expect(rows[2]).toMatch(/^\| 1 \| publish resolves .* \| holds in 1 case \| holds in 1 case \|$/)
    expect(rows[3]).toMatch(/^\| 2 \| .* \| broken: A-2 \| holds in 1 case \|$/)
    expect(rows[4]).toMatch(/^\| 3 \| .* \| not run \| no case \|$/)
    expect(rows[5]).toMatch(/^\| 4 \| .* \| not applicable \| no case \|$/)
    expect(rows.filter((row) => /^\| \d/.test(row))).toHaveLength(Object.keys(promises).length)
  })

  it('does not count a refusal as holding', () => {
    const refusal = resultOf({ refusal: true })
    expect(markdownMatrix([{ ...report, results: [refusal] }])).toContain('| refused |')
    expect(markdownMatrix([{ ...report, results: [refusal, resultOf()] }])).toContain('| holds in 1 case |')
  })

  it('shows that cases were not run, even if others passed', () => {
    const mixed = [resultOf(), resultOf({ status: 'not run', reason: 'it is long' })]
    expect(markdownMatrix([{ ...report, results: mixed }])).toContain('| holds in 1 case, 1 not run |')
  })
})
