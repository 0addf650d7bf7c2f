import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { run, tell } from '../../scripts/lib/run.mjs'
import { root } from '../../scripts/lib/workspace.mjs'
import { writeApi } from './api.js'

const vitepress = join(dirname(createRequire(import.meta.url).resolve('vitepress/package.json')), 'bin', 'vitepress.js')

/** What vitepress says when all is well. All else is a warning, or an error. */
const progress = [
  /^$/,
  /^vitepress v[\d.]+$/,
  /^[-✓] (building client \+ server bundles|rendering pages)\.\.\.$/,
  /^build complete in [\d.]+s\.$/,
]

/** Builds the site. Rejects with whatever typedoc or vitepress objects to. */
export async function build(args: readonly string[]): Promise<void> {
  await writeApi()
  const result = await run(process.execPath, [vitepress, 'build', join(root, 'docs'), ...args])
  if (result.code !== 0) throw new Error(tell(result))
  const warnings = warningsIn(result.output)
  if (warnings.length > 0) throw new Error(`vitepress warns:\n${warnings.join('\n')}`)
}

export const warningsIn = (output: string): readonly string[] =>
  output.split(/[\r\n]+/).filter((line) => !progress.some((known) => known.test(line.trim())))

/** Serves it while its pages are edited. Those of the API are made once. */
export async function serve(args: readonly string[]): Promise<void> {
  await writeApi()
  const { code } = await run(process.execPath, [vitepress, 'dev', join(root, 'docs'), ...args], {
    isShown: true,
    timeoutMs: 2 ** 31 - 1,
  })
  process.exitCode = code
}
