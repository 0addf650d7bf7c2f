import { mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { command, environment } from '../command.js'

export interface InstalledNode {
  /** The newest version at npm that matches the wanted one, such as `22.23.3`. */
  readonly version: string
  readonly program: string
  /** A user's environment in which commands find this Node. */
  readonly env: NodeJS.ProcessEnv
}

/** Installs Node from npm's package `node`, which has programs for all platforms. `20.19` means the newest 20.19. */
export async function installNode(wanted: string, folder: string): Promise<InstalledNode> {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  // The script of that package fetches the program for this machine, which is a package too.
  const install = ['npm', 'install', '--ignore-scripts=false', '--loglevel=error', `node@${wanted}`]
  await command(install, { cwd: folder, timeoutMs: 300_000 })
  const program = join(folder, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  const env = environment()
  const version = (await command([program, '--version'], { cwd: folder })).trim().replace('v', '')
  return { version, program, env: { ...env, PATH: [dirname(program), env.PATH].join(delimiter) } }
}
