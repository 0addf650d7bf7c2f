import { describe, expect, it } from 'vitest'
import { signpostProblems, signposts } from '../lib/signposts.mjs'

const contributing = `# Contributing

\`not/here.ts\`

## Where do I change …

\`before/the/table.ts\`

| to change | places |
|---|---|
| an option of \`publish\` | \`packages/<adapter>/src/options.ts\` with \`keysOf<T>()\`; \`pnpm test:interop\` |
| the wire | \`packages/<broker>/src/wire\`, \`docs/a.md\` and \`docker-compose.yml\` |

## The rooms

| \`neither/here.ts\` |
`

describe('the chapter "Where do I change" of CONTRIBUTING', () => {
  it('names paths in code, for every adapter or broker where it says so', () => {
    expect(signposts(contributing)).toEqual([
      'packages/memory/src/options.ts',
      'packages/rabbitmq/src/options.ts',
      'packages/redis/src/options.ts',
      'packages/postgres/src/options.ts',
      'packages/kafka/src/options.ts',
      'packages/rabbitmq/src/wire',
      'packages/redis/src/wire',
      'packages/postgres/src/wire',
      'packages/kafka/src/wire',
      'docs/a.md',
      'docker-compose.yml',
    ])
  })

  it('has a problem for each path that does not exist', () => {
    const problems = signpostProblems(contributing, (path: string) => !path.startsWith('packages/kafka/src/wire'))
    expect(problems).toEqual(['CONTRIBUTING.md leads to packages/kafka/src/wire, which does not exist'])
  })

  it('is missed when it is gone', () => {
    expect(signpostProblems('# Contributing\n')).toHaveLength(1)
  })
})
