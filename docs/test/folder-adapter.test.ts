import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from './examples.js'
import { filesOf, runIn, shownOn, suiteCommand, withShownFiles } from './shown-files.js'

const docs = join(root, 'docs')
const folder = join(docs, 'examples', 'folder-adapter')
const page = join(docs, 'adapters', 'tutorial.md')
const require = createRequire(import.meta.url)

const runMs = 300_000
const run = (...args: readonly string[]) => runIn(folder, runMs, ...args)

describe('the adapter of docs/adapters/tutorial.md', () => {
  // With `-u` the page takes over what is in the files.
  it('stands on the page as it lies in its files, each of them whole', async () => {
    const text = readFileSync(page, 'utf8')
    expect(shownOn(text)).toEqual(filesOf(folder))
    await expect(withShownFiles(text)).toMatchFileSnapshot(page)
  })

  it('has strict types', async () => {
    const { code, output } = await run(require.resolve('typescript/bin/tsc'), '--project', '.')
    expect(output).toBe('')
    expect(code).toBe(0)
  }, 60_000)

  it.concurrent(
    'passes a chapter of the suite under node:test, and its folder is gone after the cases that the filter leaves out',
    async ({ expect }) => {
      const chapter = ['--test-name-pattern', '^RET-']
      const { code, output } = await run('--test', '--test-reporter=tap', ...chapter, 'test/conformance.node.js')
      expect(code, output).toBe(0)
      expect(output).toMatch(/^# pass [1-9]/m)
      expect(output).toMatch(/^# fail 0$/m)
    },
    runMs,
  )

  it.concurrent(
    'passes it by the command, without a runner',
    async ({ expect }) => {
      const { code, output } = await run(suiteCommand, './test/subject.js', '--parallel', '12', '--brokers', '4')
      expect(code, output).toBe(0)
      expect(output).toMatch(/^Every promise that was tested holds: [1-9]/m)
    },
    runMs,
  )
})
