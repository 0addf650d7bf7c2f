import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { fences } from '../../../scripts/lib/markdown.mjs'
import { brokers } from '../src/index.js'

const root = fileURLToPath(new URL('..', import.meta.url))
/** Inside the package, so that the examples find it by its name. */
const folder = join(root, 'temp', 'readme')

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.skipIf(!brokers.owned('redis'))('the examples of the README', () => {
  it('run as they stand', async () => {
    const [tour, worker, ...others] = fences(readFileSync(join(root, 'README.md'), 'utf8')).filter(
      ({ language }) => language === 'ts',
    )
    expect(others).toEqual([])
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'tour.ts'), tour?.text ?? '')
    writeFileSync(join(folder, 'worker.ts'), worker?.text ?? '')
    const run = promisify(execFile)(process.execPath, ['--import', 'tsx', join(folder, 'tour.ts')], {
      cwd: root,
      timeout: 60_000,
    })
    expect((await run).stderr).toBe('')
  }, 70_000)
})
