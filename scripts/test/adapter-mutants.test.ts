import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { allCases } from '../../packages/core/src/conformance/cases/index.js'
import { mutatedAdapters } from '../../packages/test-brokers/src/mutants/adapters.js'
import { sourcesOf } from '../../packages/test-brokers/src/mutants/laboratory.js'
import type { Mutant } from '../../packages/test-brokers/src/mutants/mutant.js'
import { plant } from '../../packages/test-brokers/src/mutants/plant.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const adapters = await mutatedAdapters()

/** Says how a mutant names something that does not exist. */
function problemOf(mutant: Mutant, folder: string): string | undefined {
  if ('case' in mutant) {
    const isKnown = allCases.some(({ id, long }) => id === mutant.case && !long)
    return isKnown ? undefined : `there is no short case ${mutant.case}`
  }
  const file = join(folder, mutant.test.file)
  if (!existsSync(file)) return `there is no ${mutant.test.file}`
  return readFileSync(file, 'utf8').includes(mutant.test.title) ? undefined : `no test is called ${mutant.test.title}`
}

/** Checks one file of a program at a time, with another text than the one on disk. */
function typeChecker(paths: readonly string[]) {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, root)
  const texts = new Map<string, string>()
  let version = 0
  const service = ts.createLanguageService({
    getCompilationSettings: () => options,
    getScriptFileNames: () => [...paths],
    getScriptVersion: (path) => (texts.has(path) ? String(version) : '0'),
    getScriptSnapshot(path) {
      const text = texts.get(path) ?? ts.sys.readFile(path)
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text)
    },
    getCurrentDirectory: () => root,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: ts.sys.fileExists,
    readFile: ts.sys.readFile,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
  })
  return (path: string, text: string): readonly string[] => {
    version += 1
    texts.set(path, text)
    const found = [...service.getSyntacticDiagnostics(path), ...service.getSemanticDiagnostics(path)]
    texts.delete(path)
    return found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
  }
}

describe.each(adapters)('the mutants of the adapter $kind', ({ kind, mutants }) => {
  const folder = join(root, 'packages', kind)
  const sources = sourcesOf(folder)
  const check = typeChecker(sources.map(({ path }) => join(folder, path)))

  it('have names of their own, and each names what notices it', () => {
    expect(new Set(mutants.map(({ id }) => id)).size).toBe(mutants.length)
    const problems = mutants.map((mutant) => [mutant.id, problemOf(mutant, folder)]).filter(([, problem]) => problem)
    expect(problems).toEqual([])
  })

  it('are planted in one place each, and compile', { timeout: 300_000 }, () => {
    const problems = mutants.flatMap((mutant) => {
      try {
        const { path, text } = plant(sources, mutant)
        return check(join(folder, path), text).map((problem) => `${mutant.id}: ${problem}`)
      } catch (error) {
        return [(error as Error).message]
      }
    })
    expect(problems).toEqual([])
  })
})

describe('a fault', () => {
  const sources = [{ path: 'src/a.ts', text: 'const a = call(\n  one,\n  two,\n)\n' }]
  const mutant = { id: 'm', find: 'call(one, two)', replace: 'call(two)' }

  it('is planted whatever the formatter has done', () => {
    expect(plant(sources, mutant)).toEqual({ path: 'src/a.ts', text: 'const a = call(two)\n' })
  })

  it('is refused if its fragment is gone or occurs twice', () => {
    expect(() => plant([], mutant)).toThrow('no source contains')
    expect(() => plant([...sources, { path: 'src/b.ts', text: 'call(one,two)' }], mutant)).toThrow('2 times')
  })
})
