import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { root } from './examples.js'

const require = createRequire(import.meta.url)
const folderOf = (example: string): string => join(root, 'docs', 'examples', example)

/** As `npm run build` does it in the example's folder: with its own tsconfig and the types that a user gets. */
export function build(example: string): Promise<void> {
  const args = [require.resolve('typescript/bin/tsc'), '--project', '.']
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd: folderOf(example), env: environment() }, (error, stdout) =>
      error === null ? resolve() : reject(new Error(`${example} does not compile:\n${stdout}`)),
    )
  })
}

export interface Program {
  /** Resolves with the first match in what it printed; rejects when it ends before. */
  printed(pattern: RegExp): Promise<RegExpExecArray>
  output(): string
  kill(signal: NodeJS.Signals): void
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null; readonly stdout: string }>
}

/** `npm start` in the example's folder, but of a process that gets its signals itself. Ended with the test. */
export function start(example: string, env: Readonly<Record<string, string>>, file = 'main'): Program {
  const child = spawn(process.execPath, [`dist/${file}.js`], {
    cwd: folderOf(example),
    env: { ...environment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, stdout }))
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return {
    output: () => output,
    kill: (signal) => void child.kill(signal),
    ended,
    async printed(pattern) {
      const tooSoon = ended.then(() => {
        if (!pattern.test(output)) throw new Error(`It ended without ${pattern}:\n${output}`)
      })
      tooSoon.catch(() => {})
      for (;;) {
        const match = pattern.exec(output)
        if (match !== null) return match
        await Promise.race([new Promise((resolve) => setTimeout(resolve, 20)), tooSoon])
      }
    },
  }
}

/** Ends it as an orchestrator does, and expects that it ends in order. */
export async function stop(program: Program): Promise<void> {
  program.kill('SIGTERM')
  expect(await program.ended, program.output()).toMatchObject({ code: 0, signal: null })
}

/** Without what vitest and this machine's settings would tell a user's program. */
function environment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, VITEST: __, NODE_ENV: ___, ...env } = process.env
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(MQ_|REDIS_URL$|PORT$)/.test(name)))
}
