import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const folder = fileURLToPath(new URL('../..', import.meta.url))
const bin = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Started {
  readonly process: ChildProcessWithoutNullStreams
  readonly ended: Promise<Ended>
  /** Returns what it has printed to stdout until now. */
  stdout(): string
  stderr(): string
}

interface Options {
  readonly url?: string
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string
  /** Options of Node, before the command. */
  readonly node?: readonly string[]
}

/** Starts the built command, as `npx mq` does. */
export function start(args: readonly string[], { url, env = {}, stdin, node = [] }: Options = {}): Started {
  const child = spawn(process.execPath, [...node, bin, ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', ...(url && { MQ_URL: url }), ...env },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  child.stdin.on('error', () => {})
  child.stdin.end(stdin ?? '')
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })))
  return { process: child, ended, stdout: () => stdout, stderr: () => stderr }
}

export const mq = (args: readonly string[], options: Options = {}): Promise<Ended> => start(args, options).ended

/** Runs a command that has to end with exit code 0, and returns what it printed as JSON. */
export async function mqJson<Value = never>(args: readonly string[], options: Options = {}): Promise<Value> {
  const { code, stdout, stderr } = await mq([...args, '--json'], options)
  if (code !== 0) throw new Error(`mq ${args.join(' ')} ended with ${code}: ${stderr}`)
  return JSON.parse(stdout) as Value
}

/** Lists the characters in a text that a terminal obeys or that show it in another order, line breaks aside. */
export const obeyed = (text: string): readonly string[] =>
  [...text].filter((character) => character !== '\n' && /[\p{Cc}\u200b-\u200f\u2028-\u202e\ufeff]/u.test(character))
