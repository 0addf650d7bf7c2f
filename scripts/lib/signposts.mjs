import { exists } from './workspace.mjs'

/** The words between angle brackets that stand for several folders, as the chapter says before its table. */
const placeholders = {
  '<adapter>': ['memory', 'rabbitmq', 'redis', 'postgres', 'kafka'],
  '<broker>': ['rabbitmq', 'redis', 'postgres', 'kafka'],
}

/** Lists the paths that the chapter "Where do I change" of CONTRIBUTING names and that do not exist. */
export function signpostProblems(contributing, doesExist = exists) {
  const paths = signposts(contributing)
  if (paths.length === 0) return ['CONTRIBUTING.md has no chapter "Where do I change" with paths']
  return paths
    .filter((path) => !doesExist(path))
    .map((path) => `CONTRIBUTING.md leads to ${path}, which does not exist`)
}

/** Every path that the table of the chapter names in code, each placeholder replaced by all that it stands for. */
export function signposts(contributing) {
  const [, chapter = ''] = contributing.split(/^## Where do I change.*$/m)
  const rows = (chapter.split(/^## /m)[0] ?? '').split('\n').filter((line) => line.startsWith('|'))
  const code = rows.flatMap((row) => [...row.matchAll(/`([^`]+)`/g)].map(([, text]) => text))
  return [...new Set(code.filter(isPath).flatMap(expanded))]
}

const isPath = (text) => /^[\w.<>-]+(\/[\w.<>-]+)+$|^[\w-]+\.(ts|mjs|md|json|yml)$/.test(text)

function expanded(path) {
  const [found] = /<\w+>/.exec(path) ?? []
  if (found === undefined) return [path]
  return (placeholders[found] ?? [found.slice(1, -1)]).flatMap((name) => expanded(path.replace(found, name)))
}
