import { progress, seconds } from './progress.mjs'
import { run, tell } from './run.mjs'
import { findPnpm, installCommand, turbo } from './toolchain.mjs'

/**
 * Finds pnpm, installs from the lockfile and builds what turbo's `filter` names.
 *
 * Resolves to `{ pnpm, env }`, as `findPnpm` does, or to `{ problem }`, the text to print.
 */
export async function prepare(filter) {
  const { env, pnpm, problem } = await step('finding pnpm', findPnpm)
  if (problem !== undefined) return { problem }

  const installed = await step('installing', () => run(pnpm[0], [...pnpm.slice(1), ...installCommand], { env }))
  if (installed.code !== 0) return { problem: `The installation failed.\n${tell(installed)}` }

  const [command, ...args] = turbo('build', filter, '--output-logs=errors-only')
  const built = await step('building', () => run(command, args, { env }))
  if (built.code !== 0) return { problem: `The build failed.\n${tell(built)}` }
  return { pnpm, env }
}

/** Runs one step and shows how long it took. */
export async function step(title, action) {
  const end = progress(title)
  const result = await action()
  const ms = end()
  // A step that took a moment is not worth a line.
  if (ms > 3_000) console.log(`✔ ${title} ${seconds(ms)}`)
  return result
}
