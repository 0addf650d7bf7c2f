import { describe, expect, it } from 'vitest'
import { pages } from '../lib/markdown.mjs'
import {
  page,
  readmes,
  recorded,
  storedResults,
  unfoundedClaims,
  versionsLine,
  withVersions,
} from '../lib/tested-versions.mjs'
import { readText } from '../lib/workspace.mjs'

interface Where {
  readonly kind: string
  readonly path: string
}

const suite = {
  broker: 'RabbitMQ 3.10.8',
  held: 210,
  broken: [] as readonly string[],
  notRun: 9,
  notApplicable: 3,
  stored: 12_345,
  lost: 0,
  repeated: 17,
  recovery: { count: 3, medianMs: 250, maxMs: 4_200 },
}
const result = {
  commit: 'abc',
  measuredOn: '2026-11-29',
  node: '20.20.2',
  runtime: undefined as string | undefined,
  ms: 61_000,
  passed: 300,
  failed: 0,
  skipped: 4,
  problems: [],
  failures: [] as readonly string[],
  suite,
}
const stored = {
  'rabbitmq-3.10': recorded(result),
  'rabbitmq-4.0': recorded({ ...result, suite: { ...suite, broker: 'RabbitMQ 4.0.5' } }),
  'rabbitmq-4.3': recorded({
    ...result,
    failed: 1,
    failures: ['a delay is never early'],
    suite: { ...suite, broker: 'RabbitMQ 4.3.6', broken: ['DLY-1'] },
  }),
  'rabbitmq-4.3-cluster': recorded({ ...result, suite: { ...suite, broker: 'RabbitMQ 4.3.6' } }),
}

describe('what the pages say about tested versions', () => {
  it('is what the stored results say', () => {
    expect(readText('docs/tested-versions.md')).toBe(page(storedResults()))
    for (const { kind, path } of readmes as readonly Where[]) {
      const text = readText(path)
      expect(withVersions(text, { kind, stored: storedResults() }), path).toBe(text)
    }
  })

  it('names no version without a stored result', () => {
    const kinds = (readmes as readonly Where[]).map(({ kind }) => kind)
    const claims = kinds.flatMap((kind) =>
      (pages() as readonly string[])
        .filter((path) => path === `packages/${kind}/README.md` || path === `docs/operating/${kind}.md`)
        .flatMap((path) => unfoundedClaims(readText(path), { kind, stored: storedResults() })),
    )
    expect(claims).toEqual([])
  })
})

describe('the line of a README', () => {
  it('names the versions whose tests have all passed, and the clusters', () => {
    expect(versionsLine({ kind: 'rabbitmq', stored })).toBe(
      'The adapter is tested with RabbitMQ 3.10.8 and 4.0.5; with three nodes of RabbitMQ 4.3.6. ' +
        '[The figures](../../docs/tested-versions.md) say more.',
    )
    const valkey = {
      'redis-7.0': { ...suite, broker: 'Redis 7.0.15' },
      'redis-valkey-9.1': { ...suite, broker: 'Valkey 9.1.2' },
    }
    const both = Object.fromEntries(
      Object.entries(valkey).map(([id, one]) => [id, recorded({ ...result, suite: one })]),
    )
    expect(versionsLine({ kind: 'redis', stored: both })).toContain('tested with Redis 7.0.15 and Valkey 9.1.2. ')
  })

  it('claims nothing without a result', () => {
    expect(versionsLine({ kind: 'kafka', stored })).toMatch(/^No run without a failure is stored for Kafka yet\. /)
  })

  it('stands between two marks, which every README has', () => {
    const text = 'a\n<!-- tested-versions -->\nold\n<!-- /tested-versions -->\nb\n'
    const written = withVersions(text, { kind: 'kafka', stored })
    expect(written).toMatch(/^a\n<!-- tested-versions -->\nNo run.*\n<!-- \/tested-versions -->\nb\n$/)
    expect(withVersions(written, { kind: 'kafka', stored })).toBe(written)
    expect(() => withVersions('a', { kind: 'kafka', stored })).toThrow('README of @mq/kafka has no')
  })
})

describe('a claim in other words', () => {
  it.each([
    ['It is tested with 3.10.8, on one node.', []],
    ['Tested on RabbitMQ 4.0 and 3.11.', ['3.11']],
    ['| version | 4 | tested with 4.3 |', []],
    ['We tested 4.1.2.', ['4.1.2']],
    ['RabbitMQ 3.11 is fine. This is tested.', []],
    ['It takes 2.5 s. RabbitMQ is tested.', []],
  ])('needs a stored result: %s', (text, claims) => {
    expect(unfoundedClaims(text, { kind: 'rabbitmq', stored })).toEqual(claims)
  })

  it('is not founded by a failed run', () => {
    const { 'rabbitmq-4.3-cluster': _, ...others } = stored
    expect(unfoundedClaims('It is tested with 4.3.6.', { kind: 'rabbitmq', stored: others })).toEqual(['4.3.6'])
  })
})

describe('the page', () => {
  it('has a row for each cell, with what was lost and how long recoveries took', () => {
    const rows = page(stored)
      .split('\n')
      .filter((line: string) => line.startsWith('| RabbitMQ'))
    expect(rows).toEqual([
      '| RabbitMQ 3.10.8 | 210 | 9 | 0 of 12,345 | 17 | 250 ms, 4.2 s | 300 passed | 2026-11-29 |',
      '| RabbitMQ 4.0.5 | 210 | 9 | 0 of 12,345 | 17 | 250 ms, 4.2 s | 300 passed | 2026-11-29 |',
      '| RabbitMQ 4.3.6 | 210, broken: DLY-1 | 9 | 0 of 12,345 | 17 | 250 ms, 4.2 s | 300 passed, 1 failed | 2026-11-29 |',
      '| RabbitMQ 4.3.6, three nodes | 210 | 9 | 0 of 12,345 | 17 | 250 ms, 4.2 s | 300 passed | 2026-11-29 |',
    ])
    expect(page(stored)).toContain('| Kafka 4.4.0 | not measured yet | |')
  })

  it('has a row for each runtime in a table of its own', () => {
    const { broker: _, ...onMemory } = suite
    const tried = {
      ...result,
      runtime: 'Node 24.18.0',
      passed: 5,
      failed: 1,
      suite: { ...onMemory, broken: ['DEL-1'] },
    }
    const [, runtimes = ''] = page({ 'node-24': recorded(tried) }).split('## Runtimes')
    expect(runtimes).toContain('| Node 22 | not measured yet | | |\n')
    expect(runtimes).toContain('| Node 24.18.0 | 210, broken: DEL-1 | 5 passed, 1 failed | 2026-11-29 |\n')
  })

  it('names the tests that failed', () => {
    expect(page(stored)).toContain('## Failed tests\n\n- RabbitMQ 4.3:\n  - a delay is never early\n')
    expect(page({})).not.toContain('Failed tests')
  })
})
