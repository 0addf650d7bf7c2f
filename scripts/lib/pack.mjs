import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { prepare, step } from './prepare.mjs'
import { run, stopWithSignals, tell } from './run.mjs'
import { publicPackages, root } from './workspace.mjs'

/**
 * Installs, builds every published package and packs it into `folder` under its name without a version, as `mq-core.tgz`.
 * Prints the command that installs them.
 */
export async function pack(folder) {
  stopWithSignals()
  const problem = await packInto(folder)
  if (problem === undefined) return
  console.error(problem.trimEnd())
  process.exitCode = 1
}

/** Resolves to what went wrong, or to undefined. */
async function packInto(folder) {
  const { problem, pnpm, env } = await prepare('--filter=./packages/*')
  if (problem !== undefined) return problem
  mkdirSync(folder, { recursive: true })
  const files = []
  for (const { folder: from, manifest } of publicPackages()) {
    const args = [...pnpm.slice(1), 'pack', '--json', '--pack-destination', folder]
    const packed = await step(`packing ${manifest.name}`, () => run(pnpm[0], args, { cwd: join(root, from), env }))
    if (packed.code !== 0) return `${manifest.name} could not be packed.\n${tell(packed)}`
    const file = join(folder, `${manifest.name.replace('@', '').replace('/', '-')}.tgz`)
    renameSync(JSON.parse(packed.stdout).filename, file)
    files.push(file)
  }
  console.log(`Packed into ${folder}. Install @mq/core and the adapters that you use, or all of them:\n`)
  console.log(`npm install ${files.map(quoted).join(' ')}`)
  return undefined
}

const quoted = (path) => (/[^\w@%+=:,./\\-]/.test(path) ? JSON.stringify(path) : path)
