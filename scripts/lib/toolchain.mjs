import { delimiter, dirname, join } from 'node:path'
import { run, tell } from './run.mjs'
import { exists, readJson, root } from './workspace.mjs'

const pnpmVersion = readJson('package.json').packageManager.replace('pnpm@', '')

/** Keeps programs that we start from reporting home, looking for updates, and taking over the caller's log level. */
function quietEnvironment() {
  const env = {
    ...process.env,
    DO_NOT_TRACK: '1',
    TURBO_TELEMETRY_DISABLED: '1',
    TURBO_NO_UPDATE_NOTIFIER: '1',
    NO_UPDATE_NOTIFIER: '1',
    npm_config_update_notifier: 'false',
    npm_config_fund: 'false',
    npm_config_audit: 'false',
  }
  delete env.npm_config_loglevel
  return env
}

/**
 * Finds pnpm in the pinned version, and fetches it with npx unless that pnpm called us.
 *
 * Resolves to `{ env, pnpm, problem }`: `pnpm` is the command that runs it, and `env` has it on the PATH, where turbo looks
 * for it.
 */
export async function findPnpm() {
  const env = quietEnvironment()
  const caller = process.env.npm_config_user_agent ?? ''
  const callerPath = process.env.npm_execpath ?? ''
  if (caller.startsWith(`pnpm/${pnpmVersion} `) && /\.[cm]?js$/.test(callerPath)) {
    return { env, pnpm: [process.execPath, callerPath] }
  }
  const npx = ['--yes', `--package=pnpm@${pnpmVersion}`, '--', 'node', '-p', 'process.env.PATH']
  // Once fetched, pnpm is found without the network. npm's cached list of its versions may be too old to have this one, though.
  let found = await run('npx', ['--prefer-offline', ...npx], { env })
  if (found.code !== 0 && found.output.includes('ETARGET')) found = await run('npx', npx, { env })
  if (found.code !== 0) return { env, problem: `npx could not provide pnpm ${pnpmVersion}\n${tell(found)}` }
  const path = found.stdout.trim().split('\n').at(-1)
  // npx puts the folder with pnpm's commands first on the PATH; the program itself is beside it.
  const [bin] = path.split(delimiter)
  return { env: { ...env, PATH: path }, pnpm: [process.execPath, join(dirname(bin), 'pnpm', 'bin', 'pnpm.cjs')] }
}

export const installCommand = [
  'install',
  '--frozen-lockfile',
  '--prod=false',
  '--reporter=append-only',
  '--config.confirm-modules-purge=false',
]

/** Returns the command line of a tool that the root depends on. This Node starts it, without a shell's wrapper. */
export function tool(packageName, name, args) {
  const folder = `node_modules/${packageName}`
  if (!exists(`${folder}/package.json`)) throw new Error(`${packageName} is not installed`)
  const { bin } = readJson(`${folder}/package.json`)
  return [process.execPath, join(root, folder, typeof bin === 'string' ? bin : bin[name]), ...args]
}

export const turbo = (...args) => tool('turbo', 'turbo', ['run', ...args])
