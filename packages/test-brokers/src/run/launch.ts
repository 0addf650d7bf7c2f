import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { join } from 'node:path'
import { identify, type ProcessId, printIdentity } from './process.js'

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Launched {
  readonly id: ProcessId
  readonly process: ChildProcess
  readonly exited: Promise<Exit>
  readonly hasExited: () => boolean
}

export interface LaunchOptions {
  readonly folder: string
  /** The name of the file with the id of the process: `<name>.pid` in the folder. */
  readonly name: string
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  readonly stdio: StdioOptions
}

/**
 * Records the id of the shell before it becomes the program, so that a kill at any moment leaves no unknown process.
 */
const recorder = `${printIdentity} >"$0" && exec "$@"`

/** Starts a program as the leader of its own process group, so that Ctrl-C in a terminal does not reach it. */
export async function launch(command: readonly string[], options: LaunchOptions): Promise<Launched> {
  const child = spawn('/bin/sh', ['-c', recorder, join(options.folder, `${options.name}.pid`), ...command], {
    cwd: options.cwd ?? options.folder,
    env: options.env ?? process.env,
    stdio: options.stdio,
    detached: true,
  })
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', reject)
  })
  // It has already ended only if the folder was removed meanwhile. Then there is nothing to signal.
  const id = identify(child.pid ?? 0) ?? { pid: child.pid ?? 0, start: '' }
  let gone = false
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      gone = true
      resolve({ code, signal })
    })
  })
  child.unref()
  return { id, process: child, exited, hasExited: () => gone }
}
