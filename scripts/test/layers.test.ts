import { describe, expect, it } from 'vitest'
import { layerTable } from '../lib/layer-table.mjs'
import { packageProblems } from '../lib/layers.mjs'
import { exists } from '../lib/workspace.mjs'

const layers = {
  levels: ['contract', ['publish', 'consume'], 'tasks', 'index', 'suite'],
  beside: { consume: ['publish'] },
  only: { suite: ['index'] },
}

const problemsOf = (path: string, ...lines: readonly string[]): readonly string[] =>
  packageProblems([{ path, text: lines.join('\n') }], layers)

describe('an import', () => {
  it.each([
    [
      'contract/a.ts',
      "import { b } from '../publish/b.js'",
      'contract imports publish (../publish/b.ts), which is above it',
    ],
    ['contract/a.ts', "import type { b } from '../publish/b.js'", 'which is above it'],
    ['contract/a.ts', "export { b } from '../index.js'", 'contract imports index'],
    ['contract/a.ts', "export * from '../tasks/deep/b.js'", 'contract imports tasks'],
    ['contract/deep/a.ts', "const b = await import('../../publish/b.js')", 'contract imports publish'],
    ['contract/a.ts', "type B = import('../publish/b.js').B", 'contract imports publish'],
    ['publish/a.ts', "import '../consume/b.js'", 'which is on its own level'],
    ['suite/a.ts', "import { b } from '../contract/b.js'", 'only index and itself are allowed'],
    ['publish.ts', "import './tasks.js'", 'publish imports tasks'],
  ])('of %s is refused: %s', (path, line, problem) => {
    expect(problemsOf(path, '', line)).toEqual([expect.stringContaining(problem)])
    expect(problemsOf(path, '', line)[0]).toContain(`${path}:2: `)
  })

  it.each([
    ['publish/a.ts', "import { b } from '../contract/b.js'"],
    ['publish/a.ts', "import { b } from './b.js'"],
    ['publish/deep/a.ts', "import { b } from '../b.js'"],
    ['consume/a.ts', "import { b } from '../publish/b.js'"],
    ['suite/deep/a.ts', "import { b } from '../../index.js'"],
    ['suite/deep/a.ts', "import { b } from '../kit/b.js'"],
    ['contract/a.ts', "import { b } from 'publish'"],
    ['contract/a.ts', "import manifest from '../../package.json'"],
    ['contract/a.ts', "// import { b } from '../publish/b.js'"],
  ])('of %s is let through: %s', (path, line) => {
    expect(problemsOf(path, line)).toEqual([])
  })
})

describe('a file', () => {
  it('has to belong to a layer', () => {
    expect(problemsOf('stray/a.ts')).toEqual([expect.stringContaining('belongs to no layer')])
    expect(packageProblems([{ path: 'stray/a.ts', text: '' }], { levels: ['*', 'testing'] })).toEqual([])
  })

  it('of the one room below another does not import that one', () => {
    const text = "import './testing/bench.js'"
    expect(packageProblems([{ path: 'memory.ts', text }], { levels: ['*', 'testing'] })).toHaveLength(1)
  })
})

describe('the table of layers', () => {
  it('is about packages that exist, and declares exceptions for layers that it names', () => {
    for (const [folder, { levels, ...others }] of Object.entries(layerTable)) {
      expect(exists(`${folder}/src`), folder).toBe(true)
      const { beside = {}, only = {} } = others as Record<string, Record<string, readonly string[]>>
      const named = Object.entries({ ...beside, ...only }).flat(2)
      expect(levels.flat()).toEqual(expect.arrayContaining(named))
    }
  })
})
