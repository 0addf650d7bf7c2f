import ts from 'typescript'
import { listedFiles, readText } from '../workspace.mjs'
import { comments } from './comments.mjs'
import { nameProblems } from './names.mjs'
import { commentProblems, pageProblems } from './wording.mjs'

const code = /^(packages\/[^/]+\/(?:src|assets)|apps|bench|docs\/examples|scripts)\/.*\.(tsx?|mjs|js)$/
const page = /^([^/]+\.md|(docs|bench|apps|packages|\.changeset|\.github)\/.*\.md)$/
/** These files are generated. */
const notOurs = /\.api\.md$|\/CHANGELOG\.md$/

/** Lists what breaks the rules of English in CONTRIBUTING, in all files or in those of a folder. */
export function englishProblems(folder = '') {
  const prefix = folder.replace(/^\.?\/?|\/+$/g, '')
  return listedFiles()
    .filter((path) => prefix === '' || path === prefix || path.startsWith(`${prefix}/`))
    .flatMap((path) => {
      if (notOurs.test(path)) return []
      if (code.test(path)) return codeProblems(path, readText(path))
      return page.test(path) ? located(path, pageProblems(readText(path)), 1) : []
    })
}

const kinds = { '.ts': ts.ScriptKind.TS, '.tsx': ts.ScriptKind.TSX }

/** The same for the text of one file of code. */
export function codeProblems(path, text) {
  const kind = kinds[/\.\w+$/.exec(path)?.[0]] ?? ts.ScriptKind.JS
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true, kind)
  return [
    ...comments(source).flatMap(({ line, text: comment }) => located(path, commentProblems(comment), line)),
    ...located(path, nameProblems(source), 0),
  ]
}

const located = (path, problems, firstLine) =>
  problems.map(({ line, problem, text }) => {
    const shown = text === undefined ? '' : `\n    ${text.length > 160 ? `${text.slice(0, 157)}...` : text}`
    return `${path}:${line + firstLine}: ${problem}${shown}`
  })
