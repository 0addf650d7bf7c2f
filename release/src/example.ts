import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fences } from '../../scripts/lib/markdown.mjs'
import { root } from '../../scripts/lib/workspace.mjs'

/** What somebody copies who opens the README: its first program. */
export function firstExample(): string {
  const [first] = fences(readFileSync(join(root, 'README.md'), 'utf8')).filter(({ language }) => language === 'ts')
  if (first === undefined) throw new Error('The README shows no program')
  return `${first.text}\n`
}

/** What it prints last: the result of its task. */
export const printed = /to ada@example\.com, attempt 1: Welcome, user 42![\s\S]*status: 'success'/

/** The same program for CommonJS: `require` where it imports, and a function around it, as it awaits. */
export function withRequire(source: string): string {
  const required = source.replace(/^import (\{[^}]*\}) from ('[^']+')$/gm, 'const $1 = require($2)')
  return `async function main() {\n${required}}\nmain().catch((error) => { console.error(error); process.exitCode = 1 })\n`
}
