import { describe, expect, it } from 'vitest'
import { lintProblems, unpinned } from '../lib/workflow-rules.mjs'

const commit = '3d3c42e5aac5ba805825da76410c181273ba90b1'

describe('an action', () => {
  it.each([
    'uses: actions/checkout@v4',
    '- uses: actions/checkout@main # v7.0.1',
    `- uses: actions/checkout@${commit}`,
    `uses: actions/checkout@${commit} # v7`,
    `uses: actions/checkout@${commit.slice(1)} # v7.0.1`,
    'uses: docker://alpine:3',
    '"uses": actions/checkout@v4',
  ])('that can change is found: %s', (line) => {
    expect(unpinned(`steps:\n  ${line}`)).toEqual([`2: ${line}`])
  })

  it.each([
    `uses: actions/checkout@${commit} # v7.0.1`,
    `- uses: 'actions/checkout@${commit}' # v7.0.1`,
    'uses: ./.github/actions/ours',
    `uses: docker://alpine@sha256:${commit}${commit.slice(0, 24)}`,
    'run: echo "uses: actions/checkout@v4"',
  ])('that cannot is let through: %s', (line) => {
    expect(unpinned(line)).toEqual([])
  })
})

describe('a workflow', () => {
  const workflow = (job: string): string => `on: push\njobs:\n  test:\n    runs-on: ubuntu-24.04\n${job}`

  it('that is right has no problems', async () => {
    expect(await lintProblems([{ path: 'right.yml', data: workflow('    steps:\n      - run: npm test') }])).toEqual([])
  })

  it.each([
    ['needs a job that is not there', '    needs: build\n    steps:\n      - run: npm test'],
    ['reads what no matrix gives', `    steps:\n      - run: echo \${{ matrix.node }}`],
    [
      'asks for a permission that does not exist',
      '    permissions:\n      id-tokens: write\n    steps:\n      - run: a',
    ],
    ['runs what a pull request names', `    steps:\n      - run: echo \${{ github.event.pull_request.title }}`],
  ])('that %s has one', async (_, job) => {
    const problems = await lintProblems([{ path: 'wrong.yml', data: workflow(job) }])
    expect(problems).toEqual([expect.stringMatching(/^wrong\.yml:\d+:\d+: .+ \[[\w-]+\]$/)])
  })
})
