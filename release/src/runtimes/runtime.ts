import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { cacheFolder } from '@mq/test-brokers'
import { command, environment } from '../command.js'

/** A program that runs JavaScript, installed from the package at npm that has its name. */
export interface Runtime {
  /** Its name with its version, such as `Node 22.23.3`. */
  readonly name: string
  /** The beginning of a command that runs a file of JavaScript, with the permissions that an application needs. */
  readonly command: readonly string[]
  /** The same for a file that writes files. */
  readonly writingCommand: readonly string[]
  /** A user's environment in which commands find this program. */
  readonly env: NodeJS.ProcessEnv
}

interface KindOfRuntime {
  readonly title: string
  /** The arguments before the file. The application of the trials collects garbage, which Bun always allows. */
  readonly args: readonly string[]
  readonly writing?: readonly string[]
}

const kinds: Readonly<Record<string, KindOfRuntime>> = {
  node: { title: 'Node', args: ['--expose-gc'] },
  bun: { title: 'Bun', args: [] },
  deno: {
    title: 'Deno',
    // packages/core/README.md names these permissions.
    args: ['run', '--v8-flags=--expose-gc', '--no-prompt', '--allow-net', '--allow-env', '--allow-read', '--allow-sys'],
    writing: ['--allow-write'],
  },
}

export const defaultRuntimes: readonly string[] = ['node-20.19', 'node-22', 'node-24', 'bun-1', 'deno-2']

const pattern = /^(node|bun|deno)-(\d+(?:\.\d+){0,2})$/

/** Says whether a text such as `node-22` or `bun-1.4` names a runtime. */
export const isRuntime = (id: string): boolean => pattern.test(id)

/**
 * Installs a runtime into the cache, outside of the repository, unless it is there. `node-20.19` means the newest 20.19 at the time when it
 * was fetched.
 */
export async function installRuntime(id: string): Promise<Runtime> {
  const [, kind = '', version = ''] = pattern.exec(id) ?? []
  const known = kinds[kind]
  if (known === undefined) throw new Error(`${id} names no runtime`)
  const { title, args, writing = [] } = known
  const folder = join(cacheFolder(), 'runtimes', id)
  if (!existsSync(folder)) await fetchInto(folder, `${kind}@${version}`)
  const program = join(folder, 'node_modules', '.bin', process.platform === 'win32' ? `${kind}.cmd` : kind)
  const own = environment()
  const env = { ...own, PATH: [dirname(program), own.PATH ?? ''].join(delimiter) }
  const printed = await command([program, '--version'], { cwd: folder, env })
  return {
    name: `${title} ${/\d+\.\d+\.\d+/.exec(printed)?.[0]}`,
    command: [program, ...args],
    writingCommand: [program, ...args, ...writing],
    env,
  }
}

/** Fetches into a folder of this process first, so that an installation that was broken off is not taken for a whole one. */
async function fetchInto(folder: string, what: string): Promise<void> {
  const own = `${folder}.${process.pid}`
  try {
    mkdirSync(own, { recursive: true })
    writeFileSync(join(own, 'package.json'), '{ "private": true }')
    // The scripts of these packages put the program for this machine in its place. It is a package too.
    await command(['npm', 'install', '--ignore-scripts=false', '--loglevel=error', what], {
      cwd: own,
      timeoutMs: 300_000,
    })
    if (!existsSync(folder)) renameSync(own, folder)
  } finally {
    rmSync(own, { recursive: true, force: true })
  }
}
