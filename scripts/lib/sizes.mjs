import { posix } from 'node:path'
import ts from 'typescript'
import { listedFiles, readText } from './workspace.mjs'

const maxFiles = 20
const maxLines = 150

/** Lists the folders of `src` with too many files and the functions that are too long. */
export function sizeProblems() {
  const paths = listedFiles().filter((path) => /^packages\/[^/]+\/src\//.test(path))
  const code = paths.filter((path) => /\.tsx?$/.test(path))
  return [...folderProblems(paths), ...code.flatMap((path) => functionProblems(path, readText(path)))]
}

/** Lists the folders that directly hold more than 20 of the files. */
export function folderProblems(paths) {
  const counts = new Map()
  for (const path of paths) counts.set(posix.dirname(path), (counts.get(posix.dirname(path)) ?? 0) + 1)
  return [...counts]
    .filter(([, count]) => count > maxFiles)
    .map(([folder, count]) => `${folder} has ${count} files; ${maxFiles} are the limit`)
}

/** Lists the functions of a file that have more than 150 lines, with those of the functions inside. */
export function functionProblems(path, text) {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  const found = []
  const lineOf = (position) => source.getLineAndCharacterOfPosition(position).line + 1
  const visit = (node) => {
    if (ts.isFunctionLike(node) && node.body !== undefined) {
      const first = lineOf(node.getStart(source))
      const lines = lineOf(node.getEnd()) - first + 1
      if (lines > maxLines)
        found.push(`${path}:${first}: ${nameOf(node)} has ${lines} lines; ${maxLines} are the limit`)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

/** Names a function by itself, or by the variable or property that it is the value of. */
function nameOf(node) {
  if (ts.isConstructorDeclaration(node)) return 'constructor'
  return node.name?.getText() ?? node.parent.name?.getText() ?? 'a function'
}
