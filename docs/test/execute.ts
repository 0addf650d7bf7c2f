import { spawn } from 'node:child_process'
import { dirname } from 'node:path'

export interface Run {
  /** The exit code, or the signal that ended it, or what else went wrong. */
  readonly ended: number | string
  readonly output: string
}

/** Runs a module as a process of its own, as a user would, in the folder that it lies in. */
export function execute(path: string, { timeoutMs }: { readonly timeoutMs: number }): Promise<Run> {
  return new Promise((resolve) => {
    const { NODE_OPTIONS: _, VITEST: __, NODE_ENV: ___, ...env } = process.env
    const child = spawn(process.execPath, ['--enable-source-maps', path], {
      cwd: dirname(path),
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    })
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
    const end = (ended: number | string): void => resolve({ ended, output: Buffer.concat(chunks).toString('utf8') })
    child.once('error', (error) => end(error.message))
    child.once('close', (code, signal) => {
      end(signal === 'SIGKILL' ? `still running after ${timeoutMs} ms` : (code ?? signal ?? 'unknown'))
    })
  })
}
