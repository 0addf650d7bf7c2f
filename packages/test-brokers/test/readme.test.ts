import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { fences } from '../../../scripts/lib/markdown.mjs'
import { brokers } from '../src/index.js'

const root = fileURLToPath(new URL('..', import.meta.url))
/** A folder inside the package, so that the examples can import the package by its name. */
const folder = join(root, 'temp', 'readme')

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const blocks = fences(readFileSync(join(root, 'README.md'), 'utf8')).filter(({ language }) => language === 'ts')

describe('the examples of the README', () => {
  it.skipIf(!brokers.owned('redis'))(
    'run unchanged',
    async () => {
      const [tour, worker, ...others] = blocks.filter(({ words }) => !words.includes('no-run'))
      expect(others).toEqual([])
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, 'tour.ts'), tour?.text ?? '')
      writeFileSync(join(folder, 'worker.ts'), worker?.text ?? '')
      const run = promisify(execFile)(process.execPath, ['--import', 'tsx', join(folder, 'tour.ts')], {
        cwd: root,
        timeout: 60_000,
      })
      expect((await run).stderr).toBe('')
    },
    70_000,
  )

  it('compile, even if they need a test runner', async () => {
    const compiled = join(folder, 'compiled')
    mkdirSync(compiled, { recursive: true })
    for (const { text, line } of blocks) writeFileSync(join(compiled, `line-${line}.ts`), text)
    writeFileSync(
      join(compiled, 'tsconfig.json'),
      JSON.stringify({ extends: '../../../../../tsconfig.json', include: ['*.ts'] }),
    )
    const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
    const output = await promisify(execFile)(process.execPath, [tsc, '--project', compiled]).catch(
      ({ stdout }) => stdout,
    )
    expect(output).toMatchObject({ stdout: '' })
  }, 60_000)
})
