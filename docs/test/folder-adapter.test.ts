import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fences } from '../../scripts/lib/markdown.mjs'
import { root, shownFile } from './examples.js'

const docs = join(root, 'docs')
const folder = join(docs, 'examples', 'folder-adapter')
const require = createRequire(import.meta.url)

/** Everything in the folder of the adapter, from `docs`. */
function filesOf(path: string): readonly string[] {
  return readdirSync(path, { withFileTypes: true })
    .flatMap((entry) =>
      entry.isDirectory() ? filesOf(join(path, entry.name)) : relative(docs, join(path, entry.name)),
    )
    .sort()
}

/** Runs a program in the adapter's folder, as its author would. */
function run(...args: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
  const { VITEST: _, NODE_OPTIONS: __, NODE_ENV: ___, NODE_TEST_CONTEXT: ____, ...env } = process.env
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: folder, env, timeout: runMs }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), output: stdout + stderr }),
    )
  })
}

const runMs = 300_000

describe('the adapter of docs/writing-an-adapter.md', () => {
  it('stands on the page as it lies in its files, each of them whole', () => {
    const page = fences(readFileSync(join(docs, 'writing-an-adapter.md'), 'utf8'))
    const shown = page.flatMap(({ words, text }) => {
      const file = shownFile(words)
      return file === undefined ? [] : { file, text }
    })
    expect(shown.map(({ file }) => file).sort()).toEqual(filesOf(folder))
    for (const { file, text } of shown) expect(`${text}\n`, file).toBe(readFileSync(join(docs, file), 'utf8'))
  })

  it('has strict types', async () => {
    const { code, output } = await run(require.resolve('typescript/bin/tsc'), '--project', '.')
    expect(output).toBe('')
    expect(code).toBe(0)
  }, 60_000)

  it(
    'passes the suite under node:test',
    async () => {
      const { code, output } = await run('--test', '--test-reporter=tap', 'test/conformance.node.js')
      expect(code, output).toBe(0)
      expect(output).toMatch(/^# pass [1-9]/m)
      expect(output).toMatch(/^# fail 0$/m)
    },
    runMs,
  )

  it(
    'passes it by the command, without a runner',
    async () => {
      const command = join(docs, 'node_modules', '@mq', 'core', 'dist', 'mq-conformance.js')
      const { code, output } = await run(command, './test/subject.js', '--parallel', '4', '--brokers', '3')
      expect(code, output).toBe(0)
      expect(output).toMatch(/^Every promise that was tested holds: [1-9]/m)
    },
    runMs,
  )
})
