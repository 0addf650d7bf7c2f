import { describe, expect, it } from 'vitest'
import { commands, fences, missingScripts, scriptOf } from '../lib/markdown.mjs'

const page = [
  '# A page',
  '',
  'Run `npm run nothing` first.',
  '',
  '```ts no-run',
  'const a = 1',
  '```',
  '',
  '- In a list:',
  '',
  '  ```sh',
  '  cd mq && npm run demo -- --keep # watch it',
  '  MQ_URL=redis://localhost pnpm --filter @mq/core test',
  '  $ pnpm add @mq/core',
  '  ```',
].join('\n')

describe('what is read from a page', () => {
  it('finds blocks with their language, words and first line', () => {
    expect(fences(page)).toMatchObject([
      { language: 'ts', words: ['no-run'], line: 6, text: 'const a = 1' },
      { language: 'sh', words: [], line: 12 },
    ])
  })

  it('finds the commands of shell blocks and of code in a sentence', () => {
    expect(commands(page)).toEqual([
      'cd mq',
      'npm run demo -- --keep',
      'MQ_URL=redis://localhost pnpm --filter @mq/core test',
      'pnpm add @mq/core',
      'npm run nothing',
    ])
  })

  it('tells which script a command runs, and in which package', () => {
    expect(scriptOf('npm run demo -- --keep')).toEqual({ name: 'demo' })
    expect(scriptOf('npm test')).toEqual({ name: 'test' })
    expect(scriptOf('pnpm run build')).toEqual({ name: 'build', filter: undefined })
    expect(scriptOf('MQ_URL=x pnpm --filter @mq/core test')).toEqual({ name: 'test', filter: '@mq/core' })
    expect(scriptOf('npm install @mq/core')).toBeUndefined()
    expect(scriptOf('pnpm add @mq/core')).toBeUndefined()
    expect(scriptOf('git clone x')).toBeUndefined()
  })

  it('names the commands whose script does not exist', () => {
    const has = ({ name }: { name?: string }) => name !== 'nothing'
    expect(missingScripts(page, has)).toEqual(['npm run nothing'])
  })
})
