import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { root } from './examples.js'
import { execute } from './execute.js'
import { runIn, withShownFiles } from './shown-files.js'

const require = createRequire(import.meta.url)

/** A CommonJS package inside of `docs`, so that it finds what a user has installed. */
function commonJsPackage(): string {
  const folder = join(root, 'docs', '.commonjs')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }')
  return folder
}

const page = join(root, 'docs', 'runtimes.md')

it('the program of docs/runtimes.md lies in its file as it stands there, runs with require, and says nothing else', async () => {
  await expect(withShownFiles(readFileSync(page, 'utf8'))).toMatchFileSnapshot(page)
  const program = join(root, 'docs', 'examples', 'commonjs', 'index.js')
  expect(await execute(program, { timeoutMs: 30_000 })).toEqual({ ended: 0, output: 'Hello, Ada!\n' })
}, 40_000)

it('TypeScript compiles imports in a CommonJS package, which then runs', async () => {
  const folder = commonJsPackage()
  const source = "import { openQueue } from '@mq/core'\nvoid openQueue('memory:').then((queue) => queue.disconnect())\n"
  writeFileSync(join(folder, 'index.ts'), source)
  const options = ['--module', 'nodenext', '--target', 'es2022', '--strict', '--types', 'node', '--skipLibCheck']
  const { code, output } = await runIn(folder, 60_000, require.resolve('typescript/bin/tsc'), ...options, 'index.ts')
  expect({ code, output }).toEqual({ code: 0, output: '' })
  expect(readFileSync(join(folder, 'index.js'), 'utf8')).toContain('require("@mq/core")')
  expect(await execute(join(folder, 'index.js'), { timeoutMs: 30_000 })).toEqual({ ended: 0, output: '' })
}, 90_000)
