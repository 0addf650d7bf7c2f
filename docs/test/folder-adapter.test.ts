import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fences } from '../../scripts/lib/markdown.mjs'
import { root, shownFile } from './examples.js'

const docs = join(root, 'docs')
const folder = join(docs, 'examples', 'folder-adapter')
const page = join(docs, 'adapters', 'tutorial.md')
const require = createRequire(import.meta.url)

/** Everything in the folder of the adapter, from `docs`. */
function filesOf(path: string): readonly string[] {
  return readdirSync(path, { withFileTypes: true })
    .flatMap((entry) =>
      entry.isDirectory() ? filesOf(join(path, entry.name)) : relative(docs, join(path, entry.name)),
    )
    .sort()
}

/** The page with a file's block as the file is. */
function withFile(text: string, file: string): string {
  const begin = text.indexOf(` ${file}\n`) + file.length + 2
  const end = text.indexOf('\n```\n', begin) + 1
  return text.slice(0, begin) + readFileSync(join(docs, file), 'utf8') + text.slice(end)
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

describe('the adapter of docs/adapters/tutorial.md', () => {
  // With `-u` the page takes over what is in the files.
  it('stands on the page as it lies in its files, each of them whole', async () => {
    const text = readFileSync(page, 'utf8')
    const shown = fences(text).flatMap(({ words }) => shownFile(words) ?? [])
    expect([...shown].sort()).toEqual(filesOf(folder))
    const whole = shown.reduce((made, file) => withFile(made, file), text)
    await expect(whole).toMatchFileSnapshot(page)
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
