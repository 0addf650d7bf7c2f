import { mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { command, environment } from '../command.js'

export interface InstalledNode {
  /** The newest one that npm has of what was asked for, as `22.23.3`. */
  readonly version: string
  readonly program: string
  /** A user's environment in which it is the Node that commands find. */
  readonly env: NodeJS.ProcessEnv
}

/** The program from npm's package `node`, which brings one for this machine. Takes `20.19` for the newest of these. */
export async function installNode(wanted: string, folder: string): Promise<InstalledNode> {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  // Its script fetches the program, as a package of npm, too.
  const install = ['npm', 'install', '--ignore-scripts=false', '--loglevel=error', `node@${wanted}`]
  await command(install, { cwd: folder, timeoutMs: 300_000 })
  const program = join(folder, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  const env = environment()
  const version = (await command([program, '--version'], { cwd: folder })).trim().replace('v', '')
  return { version, program, env: { ...env, PATH: [dirname(program), env.PATH].join(delimiter) } }
}
