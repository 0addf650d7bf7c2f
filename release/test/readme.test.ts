import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fences } from '../../scripts/lib/markdown.mjs'
import { listedFiles, root } from '../../scripts/lib/workspace.mjs'
import { command, environment } from '../src/command.js'
import { remove, throwAwayFolder } from '../src/throw-away.js'

const readme = readFileSync(join(root, 'README.md'), 'utf8')

/** Returns the first code block of a chapter of the README. */
function blockOf(heading: string): string {
  const [, chapter = ''] = readme.split(`\n## ${heading}\n`)
  const [block] = fences(chapter.split('\n## ')[0] ?? '')
  if (block === undefined) throw new Error(`The README has no block below ${heading}`)
  return block.text
}

describe('the README, followed in an empty folder', () => {
  const folder = throwAwayFolder()
  const [clone, ...lines] = blockOf('Install').split('\n')

  beforeAll(() => {
    // A clone would have these files after a commit of the working tree.
    for (const path of listedFiles()) {
      mkdirSync(dirname(join(folder, 'mq', path)), { recursive: true })
      cpSync(join(root, path), join(folder, 'mq', path))
    }
  })
  afterAll(() => remove(folder))

  it('begins with a checkout', () => {
    expect(clone).toBe('git clone https://github.com/mq-js/mq.git')
    expect(existsSync(join(folder, 'mq', 'package.json'))).toBe(true)
  })

  it('installs the packages', async () => {
    const env = { ...environment(), TURBO_CACHE_DIR: join(root, '.turbo', 'cache') }
    await command(['sh', '-e', '-c', lines.join('\n')], { cwd: folder, env, timeoutMs: 280_000 })
    expect(existsSync(join(folder, 'app', 'node_modules', '@mq', 'memory', 'package.json'))).toBe(true)
  })

  it('runs the first program', async () => {
    const app = join(folder, 'app')
    writeFileSync(join(app, 'index.mjs'), blockOf('The first program'))
    expect(await command([process.execPath, 'index.mjs'], { cwd: app })).toBe('shipping { order: 7 }\n')
  })
})
