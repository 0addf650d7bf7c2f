import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { workspaceNode } from '@mq/test-brokers'

export interface Apart {
  /** The program. It gets the job as JSON in its first argument, and prints its figures as JSON in its last line. */
  readonly program: URL
  readonly job: object
  readonly timeoutMs: number
  /** `builtPackages`, or that of the sources, which tests run. Default: `builtPackages`. */
  readonly env?: Readonly<Record<string, string>>
}

/** The environment of a process that runs the packages as they are built: this configuration has no paths to the sources. */
export const builtPackages: Readonly<Record<string, string>> = {
  TSX_TSCONFIG_PATH: fileURLToPath(new URL('../tsconfig.json', import.meta.url)),
}

/** Runs a program in a process of its own, so that no measurement inherits another's heap. Resolves with its figures. */
export function apart<Figures>({ program, job, timeoutMs, env = builtPackages }: Apart): Promise<Figures> {
  return new Promise((resolve, reject) => {
    const args = [...workspaceNode.args, fileURLToPath(program), JSON.stringify(job)]
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      env: { ...process.env, ...env },
    })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    child.once('error', reject)
    child.once('close', (code, signal) => {
      const last = output.trim().split('\n').at(-1) ?? ''
      if (code === 0) resolve(JSON.parse(last) as Figures)
      else reject(new Error(`The measurement ended with ${signal ?? code}:\n${output}`))
    })
  })
}
