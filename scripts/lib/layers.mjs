import { posix } from 'node:path'
import ts from 'typescript'
import { layerTable } from './layer-table.mjs'
import { listedFiles, readText } from './workspace.mjs'

/** Lists the imports within packages that do not run from a layer to a lower one. */
export function layerProblems(table = layerTable) {
  const files = listedFiles().filter((path) => /^packages\/[^/]+\/src\/.*\.tsx?$/.test(path))
  return Object.entries(table).flatMap(([folder, layers]) => {
    const own = files.filter((path) => path.startsWith(`${folder}/src/`))
    const sources = own.map((path) => ({ path: path.slice(`${folder}/src/`.length), text: readText(path) }))
    return packageProblems(sources, layers).map((problem) => `${folder}/src/${problem}`)
  })
}

/** The same for one package, whose files are `{ path, text }` with paths from its `src`. */
export function packageProblems(sources, { levels, beside = {}, only = {} }) {
  const levelOf = new Map(levels.flatMap((level, index) => [level].flat().map((name) => [name, index])))
  const layerOf = (path) => {
    const name = path.split('/')[0].replace(/\.tsx?$/, '')
    return levelOf.has(name) ? name : levelOf.has('*') ? '*' : undefined
  }
  const isAllowed = (from, to) =>
    from === to ||
    (only[from] === undefined
      ? levelOf.get(to) < levelOf.get(from) || beside[from]?.includes(to) === true
      : only[from].includes(to))

  return sources.flatMap(({ path, text }) => {
    const from = layerOf(path)
    if (from === undefined) return [`${path}: belongs to no layer of scripts/lib/layer-table.mjs`]
    return relativeImports(text).flatMap(({ specifier, line }) => {
      const target = posix.normalize(posix.join(posix.dirname(path), specifier))
      const to = layerOf(target)
      // A file without a layer is a problem of its own, and one outside of src is none of this rule.
      if (target.startsWith('..') || to === undefined || isAllowed(from, to)) return []
      return [`${path}:${line}: ${from} imports ${to} (${specifier}), ${reason(from, to)}`]
    })
  })

  function reason(from, to) {
    if (only[from] !== undefined) return `but only ${only[from].join(' and ')} and itself are allowed`
    return levelOf.get(from) === levelOf.get(to) ? 'which is on its own level' : 'which is above it'
  }
}

/** Finds imports of values and of types, `export from` and `import()`. */
function relativeImports(text) {
  return ts
    .preProcessFile(text, true, true)
    .importedFiles.filter(({ fileName }) => fileName.startsWith('.'))
    .map(({ fileName, pos }) => ({
      specifier: fileName.replace(/\.js$/, '.ts'),
      line: text.slice(0, pos).split('\n').length,
    }))
}
