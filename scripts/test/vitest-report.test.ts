import { describe, expect, it } from 'vitest'
import { countVitest, timesByPackage } from '../lib/vitest-report.mjs'

const file = (status: string, ...tests: string[]) => ({
  name: 'a.test.ts',
  status,
  assertionResults: tests.map((each) => ({ status: each })),
})

describe('what a run of vitest counts as', () => {
  it('counts each test by how it ended', () => {
    const report = { testResults: [file('failed', 'passed', 'failed', 'skipped'), file('passed', 'passed', 'todo')] }
    expect(countVitest({ report, code: 1 })).toEqual({ passed: 2, failed: 1, skipped: 2, problems: [] })
  })

  it('counts a file that could not be loaded as failed', () => {
    const report = { testResults: [file('failed'), file('passed', 'passed')] }
    expect(countVitest({ report, code: 1 })).toMatchObject({
      passed: 1,
      failed: 1,
      problems: ['a.test.ts failed outside of its tests'],
    })
  })

  it('counts an error outside of any test as failed', () => {
    const report = { testResults: [file('passed', 'passed')] }
    expect(countVitest({ report, code: 1 })).toMatchObject({ passed: 1, failed: 1 })
  })

  it('counts a run that left no report as failed', () => {
    expect(countVitest({ report: undefined, code: 0 })).toMatchObject({ passed: 0, failed: 1 })
  })

  it('counts a run without a test as failed', () => {
    expect(countVitest({ report: { testResults: [file('passed', 'skipped')] }, code: 0 })).toMatchObject({
      failed: 1,
      skipped: 1,
      problems: ['no test was run'],
    })
  })
})

describe('the time of a run', () => {
  it('is divided by package, the longest first', () => {
    const ran = (path: string, startTime: number, endTime: number) => ({ name: `/repo/${path}`, startTime, endTime })
    const report = {
      testResults: [
        ran('docs/test/a.test.ts', 0, 10),
        ran('packages/core/test/a.test.ts', 0, 100),
        ran('packages/core/test/deep/b.test.ts', 50, 100),
        ran('packages/redis/test/a.test.ts', 0, 200),
        ran('apps/demo/test/a.test.ts', 0, 1),
      ],
    }
    expect(timesByPackage({ report, root: '/repo' })).toEqual([
      { name: 'packages/redis', files: 1, ms: 200 },
      { name: 'packages/core', files: 2, ms: 150 },
      { name: 'docs', files: 1, ms: 10 },
      { name: 'apps/demo', files: 1, ms: 1 },
    ])
    expect(timesByPackage({ report: undefined, root: '/repo' })).toEqual([])
  })
})
