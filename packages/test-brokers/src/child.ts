import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createFolder, removeFolder } from './run/folder.js'
import { type Exit, launch } from './run/launch.js'
import { end, signal, suspend } from './run/process.js'
import { type Deadline, until } from './run/wait.js'

export interface ChildOptions<Report = unknown> {
  readonly args?: readonly string[]
  /** Environment variables that are added to those of this process. */
  readonly env?: Readonly<Record<string, string>>
  /** Called with each report as it arrives. */
  readonly onReport?: (report: Report) => void
}

export interface Child<Report> {
  readonly pid: number
  /** Returns everything that the child has reported, in order. */
  reported(): readonly Report[]
  /** Resolves with the reports once the predicate holds. Rejects after the timeout, or if the child ends before. */
  waitFor(predicate: (reports: readonly Report[]) => boolean, deadline: Deadline): Promise<readonly Report[]>
  /** Sends a message to the child's `onMessage`. */
  send(message: unknown): void
  /** Ends the child with SIGKILL. Resolves with its exit once all its reports are known. */
  kill(): Promise<Exit>
  /** Pauses and resumes the child, like a machine that hangs. */
  pause(): Promise<void>
  resume(): void
  /** Asks the child to end with SIGTERM. Kills it after the timeout. */
  stop(options?: { timeoutMs?: number }): Promise<Exit>
  /** Settles when the child ends, by itself or not. */
  readonly exited: Promise<Exit>
  /** Returns the output of the child, of both streams. */
  output(): string
}

/**
 * Runs a TypeScript or JavaScript module as a process of its own, against the sources of this workspace.
 *
 * The module reports with `report(value)`. Reports that it made before a SIGKILL still arrive. The child ends when this process does.
 */
export async function child<Report = unknown>(
  module: URL | string,
  options: ChildOptions<Report> = {},
): Promise<Child<Report>> {
  const folder = await createFolder('child')
  const file = typeof module === 'string' && !module.startsWith('file:') ? module : fileURLToPath(module)
  const {
    id,
    process: spawned,
    hasExited,
  } = await launch([process.execPath, ...workspaceNode.args, file, ...(options.args ?? [])], {
    folder,
    name: 'child',
    cwd: process.cwd(),
    env: { ...process.env, ...workspaceNode.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const reports: Report[] = []
  let printed = ''
  spawned.on('message', (message) => {
    reports.push(message as Report)
    options.onReport?.(message as Report)
  })
  for (const stream of [spawned.stdout, spawned.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      printed += text
    })
  }
  // Reports may still be in the channel when the process is gone. It has ended once both channel and output have.
  const closed = new Promise<Exit>((resolve) => {
    spawned.once('close', (code, name) => resolve({ code, signal: name }))
  })
  const disconnected = new Promise<void>((resolve) => {
    spawned.once('disconnect', resolve)
  })
  const exited = Promise.all([closed, disconnected]).then(async ([exit]) => {
    await removeFolder(folder)
    return exit
  })
  let hasEnded = false
  void exited.then(() => {
    hasEnded = true
  })
  spawned.ref()
  const kill = async (): Promise<Exit> => {
    await end(id)
    return await exited
  }

  return {
    pid: id.pid,
    reported: () => reports,
    async waitFor(predicate, deadline) {
      await until(() => predicate(reports) || hasEnded, deadline)
      if (predicate(reports)) return reports
      throw new Error(`The child ended before ${deadline.what}. It printed:\n${printed.slice(-3_000)}`)
    },
    send: (message) => void spawned.send(message as object),
    kill,
    pause: () => suspend(id),
    resume: () => void signal(id, 'SIGCONT'),
    async stop({ timeoutMs = 10_000 } = {}) {
      signal(id, 'SIGTERM')
      await until(hasExited, { what: 'the child to end after SIGTERM', timeoutMs }).catch(() => undefined)
      return await kill()
    },
    exited,
    output: () => printed,
  }
}

/** tsx leaves worker threads alone unless they call this. */
const inThreads = `import { isMainThread } from 'node:worker_threads'
import { register } from '${import.meta.resolve('tsx/esm/api')}'
if (!isMainThread) register()`

/**
 * Settings with which `node` runs TypeScript against the sources of this workspace, so that no child needs a build. They also
 * fit `Subject.node` of the conformance suite.
 */
export const workspaceNode = {
  args: ['--import', import.meta.resolve('tsx'), '--import', `data:text/javascript,${encodeURIComponent(inThreads)}`],
  // The `paths` of this file lead to the packages' sources.
  env: { TSX_TSCONFIG_PATH: join(fileURLToPath(new URL('../../../', import.meta.url)), 'tsconfig.json') },
} as const
