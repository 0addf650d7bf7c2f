import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fences } from '../../scripts/lib/markdown.mjs'
import { root } from '../../scripts/lib/workspace.mjs'

/** Returns the first program of the README, which is the one that readers copy. */
export function firstExample(): string {
  const [first] = fences(readFileSync(join(root, 'README.md'), 'utf8')).filter(({ language }) => language === 'ts')
  if (first === undefined) throw new Error('The README shows no program')
  return `${first.text}\n`
}

/** Matches the end of its output, the result of its task. */
export const printed = /to ada@example\.com, attempt 1: Welcome, user 42![\s\S]*status: 'success'/

/** Turns it into a program for CommonJS: `require` replaces its imports, and a function surrounds it because it awaits. */
export function withRequire(source: string): string {
  const required = source.replace(/^import (\{[^}]*\}) from ('[^']+')$/gm, 'const $1 = require($2)')
  return `async function main() {\n${required}}\nmain().catch((error) => { console.error(error); process.exitCode = 1 })\n`
}
