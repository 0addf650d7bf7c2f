import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { commands, missingScripts, pages, scriptOf } from '../../scripts/lib/markdown.mjs'
import { compile } from './compile.js'
import { findExamples, root, workshop } from './examples.js'
import { execute } from './execute.js'

/** Against examples that hang. Two of them run the whole suite of cases. */
const timeoutMs = 120_000
const examples = findExamples()

describe('the examples on our pages', () => {
  let errors: ReadonlyMap<string, readonly string[]>

  beforeAll(() => {
    if (!existsSync(join(root, 'packages/core/dist/index.d.ts'))) {
      throw new Error('The examples run against what users get: run pnpm build first')
    }
    rmSync(workshop, { recursive: true, force: true })
    errors = compile(examples)
  }, 120_000)

  for (const { place, file, isRun, language } of examples) {
    const title = isRun ? `${place} compiles and runs` : `${place} compiles`
    it.concurrent(title, { timeout: timeoutMs + 10_000 }, async ({ expect }) => {
      expect(language, 'the language of an example, so that its types are checked').toBe('ts')
      expect(errors.get(place)?.join('\n')).toBe('')
      if (!isRun) return
      const { ended, output } = await execute(`${file}.mjs`, { timeoutMs })
      expect(ended, output).toBe(0)
    })
  }

  it('are left unrun only where they need a broker', () => {
    const withoutBroker = examples.filter(({ isRun, source }) => !isRun && !needsBroker(source))
    expect(withoutBroker.map(({ place }) => place)).toEqual([])
  })

  it(`are all run but these: ${examples.flatMap(({ isRun, place }) => (isRun ? [] : place)).join(', ') || 'none'}`, () => {
    expect(new Set(examples.map(({ file }) => file)).size).toBe(examples.length)
  })
})

for (const page of pages()) {
  const text = readFileSync(join(root, page), 'utf8')
  if (!commands(text).some((command) => scriptOf(command) !== undefined)) continue
  it(`${page} calls scripts that exist`, () => {
    expect(missingScripts(text)).toEqual([])
  })
}

const needsBroker = (source: string): boolean =>
  /\b(amqps?|rediss?|kafka|postgres):\/\/|@mq\/(rabbitmq|redis|kafka|postgres)/.test(source)
