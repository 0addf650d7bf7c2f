import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { exists, readText, root } from '../../scripts/lib/workspace.mjs'

const folder = 'docs/decisions'
const decisions = readdirSync(join(root, folder)).filter((name) => /^\d/.test(name))

/** The line with which a decision begins, after its title, if no code follows from it. */
const concernsNoCode = /^# .*\n\nNo code follows from this\.\n/

/** The decisions that source files outside `docs` name, each with the file that names it. */
function namedDecisions(): readonly { readonly source: string; readonly decision: string }[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  })
  const sources = listed.split('\0').filter((path) => /\.([cm]?[jt]s|lua|ya?ml)$/.test(path) && exists(path))
  return sources
    .filter((path) => !path.startsWith('docs/'))
    .flatMap((source) =>
      [...readText(source).matchAll(/docs\/decisions\/[\w.-]*\w/g)].map(([decision]) => ({ source, decision })),
    )
}

describe('a decision', () => {
  const named = namedDecisions()

  it('is named by the code that follows from it, unless it says that there is none', () => {
    const reached = new Set(named.map(({ decision }) => decision))
    const unreached = decisions
      .map((name) => `${folder}/${name}`)
      .filter((path) => !reached.has(path) && !concernsNoCode.test(readText(path)))
    expect(unreached).toEqual([])
  })

  it('exists if code names it', () => {
    expect(named.filter(({ decision }) => !exists(decision))).toEqual([])
  })
})
