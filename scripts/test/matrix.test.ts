import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cells, failuresOf, suiteOf, table } from '../lib/matrix.mjs'
import { countTrials } from '../lib/runtimes.mjs'
import { root } from '../lib/workspace.mjs'

const [first, second] = [cells[0], cells[1]] as const

describe('the matrix', () => {
  it('has a cell of its own for each version', () => {
    expect(new Set(cells.map(({ id }: { readonly id: string }) => id)).size).toBe(cells.length)
    expect(first).toMatchObject({ id: 'rabbitmq-3.10', env: { MQ_TEST_RABBITMQ_VERSION: '3.10' } })
  })

  it('has a cluster of the newest version of each broker, which runs the suite on three nodes', () => {
    const clusters = cells.filter(({ id }: { readonly id: string }) => id.endsWith('-cluster'))
    expect(clusters.map(({ id }: { readonly id: string }) => id)).toEqual([
      'rabbitmq-4.3-cluster',
      'redis-8.0-cluster',
      'redis-valkey-9.1-cluster',
      'kafka-4.4.0-cluster',
    ])
    expect(clusters[0]).toMatchObject({
      files: ['conformance.test.ts', 'cluster.test.ts'],
      report: 'cluster/rabbitmq.json',
      env: { MQ_TEST_CLUSTER: '1', MQ_TEST_RABBITMQ_VERSION: '4.3' },
    })
  })

  it('is run cell by cell every night', () => {
    const nightly = readFileSync(join(root, '.github', 'workflows', 'nightly.yml'), 'utf8')
    const listed = [...nightly.matchAll(/^ {10}- ([a-z]+-[a-z\d.-]+)$/gm)].map(([, id]) => id)
    expect(listed).toEqual(cells.map(({ id }: { readonly id: string }) => id))
  })

  it('counts what held in the suite, and names the tests that failed', () => {
    const results = [
      { status: 'passed', figures: { stored: 100, lost: 0, repeated: 2, recoveriesMs: [300, 100] } },
      { status: 'passed' },
      { status: 'failed', id: 'FLT-1', figures: { stored: 50, lost: 1, repeated: 0, recoveriesMs: [200] } },
      { status: 'not run' },
    ]
    expect(suiteOf({ broker: 'RabbitMQ 3.10.8', results })).toEqual({
      broker: 'RabbitMQ 3.10.8',
      held: 2,
      broken: ['FLT-1'],
      notRun: 1,
      notApplicable: 0,
      stored: 150,
      lost: 1,
      repeated: 2,
      recovery: { count: 3, medianMs: 200, maxMs: 300 },
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
    const result = { suite: { broker: 'RabbitMQ 3.10.8', held: 2, broken: [] }, passed: 9, failed: 0, ms: 61_000 }
    expect(table([first, second], [result, undefined]).split('\n').slice(2, 4)).toEqual([
      '| RabbitMQ 3.10 | RabbitMQ 3.10.8 | 2 held, 0 broken | 9 passed, 0 failed | 61.0 s |',
      '| RabbitMQ 4.0 | not run | | | |',
    ])
  })

  it('shows with which version of a runtime a cell was run', () => {
    const result = { suite: { held: 177, broken: [] }, runtime: 'Bun 1.4.5', passed: 5, failed: 0, ms: 61_000 }
    expect(table([{ id: 'bun-1', title: 'Bun 1' }], [result])).toContain(
      '| Bun 1 | Bun 1.4.5 | 177 held, 0 broken | 5 passed, 0 failed | 61.0 s |',
    )
  })

  it('counts each broker that a runtime was tried on, and a runtime that could not be tried as failed', () => {
    const trials = [
      { runtime: 'Bun 1.4.5', what: 'memory', result: '5 passed' },
      { runtime: 'Bun 1.4.5', what: 'kafka', result: '', problem: 'Not so' },
    ]
    expect(countTrials(trials, undefined)).toEqual({ runtime: 'Bun 1.4.5', passed: 1, failed: 1, failures: ['kafka'] })
    expect(countTrials(undefined, 'no network')).toEqual({ passed: 0, failed: 1, failures: ['no network'] })
  })
})
