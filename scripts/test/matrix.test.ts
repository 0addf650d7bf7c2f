import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cells, failuresOf, suiteOf, table } from '../lib/matrix.mjs'
import { root } from '../lib/workspace.mjs'

const [first, second] = [cells[0], cells[1]] as const

describe('the matrix', () => {
  it('has a cell of its own for each version', () => {
    expect(new Set(cells.map(({ id }: { readonly id: string }) => id)).size).toBe(cells.length)
    expect(first).toMatchObject({ id: 'rabbitmq-3.10', env: { MQ_TEST_RABBITMQ_VERSION: '3.10' } })
  })

  it('is run cell by cell every night', () => {
    const nightly = readFileSync(join(root, '.github', 'workflows', 'nightly.yml'), 'utf8')
    const listed = [...nightly.matchAll(/^ {10}- ([a-z]+-[a-z\d.-]+)$/gm)].map(([, id]) => id)
    expect(listed).toEqual(cells.map(({ id }: { readonly id: string }) => id))
  })

  it('counts what held in the suite, and names the tests that failed', () => {
    const results = [{ status: 'passed' }, { status: 'passed' }, { status: 'failed' }, { status: 'not run' }]
    expect(suiteOf({ broker: 'RabbitMQ 3.10.8', results })).toEqual({
      broker: 'RabbitMQ 3.10.8',
      held: 2,
      broken: 1,
      omitted: 1,
    })
    expect(suiteOf(undefined)).toBeUndefined()
    const assertionResults = [
      { status: 'passed', fullName: 'a' },
      { status: 'failed', fullName: 'b c' },
    ]
    expect(failuresOf({ testResults: [{ assertionResults }] })).toEqual(['b c'])
    expect(failuresOf(undefined)).toEqual([])
  })

  it('shows a cell without a result as not run', () => {
    const result = { suite: { broker: 'RabbitMQ 3.10.8', held: 2, broken: 0 }, passed: 9, failed: 0, ms: 61_000 }
    expect(table([first, second], [result, undefined]).split('\n').slice(2, 4)).toEqual([
      '| RabbitMQ 3.10 | RabbitMQ 3.10.8 | 2 held, 0 broken | 9 passed, 0 failed | 61.0 s |',
      '| RabbitMQ 4.0 | not run | | | |',
    ])
  })
})
