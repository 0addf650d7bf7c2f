import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fences } from '../../scripts/lib/markdown.mjs'
import { root, shownFile } from './examples.js'

const docs = join(root, 'docs')

/** The files of a folder and of those in it, from `docs`. */
export function filesOf(path: string): readonly string[] {
  return readdirSync(path, { withFileTypes: true })
    .flatMap((entry) =>
      entry.isDirectory() ? filesOf(join(path, entry.name)) : relative(docs, join(path, entry.name)),
    )
    .sort()
}

/** The files that a page shows, from `docs`. */
export const shownOn = (text: string): readonly string[] =>
  fences(text)
    .flatMap(({ words }) => shownFile(words) ?? [])
    .sort()

/** The page with each file that it shows as that file is. */
export const withShownFiles = (text: string): string => shownOn(text).reduce(withFile, text)

/** The page with a file's block as the file is. */
function withFile(text: string, file: string): string {
  const words = text.indexOf(` ${file}\n`)
  if (words === -1) throw new Error(`The page shows no ${file}`)
  const begin = words + file.length + 2
  const end = text.indexOf('\n```\n', begin - 1) + 1
  return text.slice(0, begin) + readFileSync(join(docs, file), 'utf8') + text.slice(end)
}

/** The command of the suite, as it is built. */
export const suiteCommand = join(docs, 'node_modules', '@mq', 'core', 'dist', 'mq-conformance.js')

/** Runs a program in a folder, as the author of what is in it would. */
export function runIn(
  folder: string,
  timeoutMs: number,
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly output: string }> {
  const { VITEST: _, NODE_OPTIONS: __, NODE_ENV: ___, NODE_TEST_CONTEXT: ____, ...env } = process.env
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: folder, env, timeout: timeoutMs }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), output: stdout + stderr }),
    )
  })
}
