import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { until } from './wait.js'

/** Identifies a process, and no later one with the same number. */
export interface ProcessId {
  readonly pid: number
  readonly start: string
}

/** Returns the process that has this number now, or undefined if there is none or it only waits to be reaped. */
export function identify(pid: number): ProcessId | undefined {
  const start = process.platform === 'linux' ? startInProc(pid) : startFromPs(pid)
  return start === undefined ? undefined : { pid, start }
}

export const isAlive = (id: ProcessId): boolean => identify(id.pid)?.start === id.start

export const self: ProcessId = identify(process.pid) ?? { pid: process.pid, start: '0' }

/**
 * Signals the process and the group that it leads. Does nothing once the process is gone, so a reused number is safe.
 */
export function signal(id: ProcessId, name: NodeJS.Signals): boolean {
  if (!isAlive(id)) return false
  // Processes started here lead their own group. Any other process is signalled alone.
  return send(-id.pid, name) || send(id.pid, name)
}

/** Returns the living processes that the process has started itself. Empty once it is gone. */
export function childrenOf(id: ProcessId): ProcessId[] {
  if (!isAlive(id)) return []
  const pids = process.platform === 'linux' ? childrenInProc(id.pid) : childrenFromPgrep(id.pid)
  return pids.flatMap((child) => identify(child) ?? [])
}

/** Pauses the process with SIGSTOP. Resolves once none of its threads runs, which takes a while on a busy machine. */
export async function suspend(id: ProcessId): Promise<void> {
  signal(id, 'SIGSTOP')
  if (process.platform !== 'linux') return
  await until(() => threadStates(id.pid).every((state) => 'TtZX'.includes(state)), {
    what: `every thread of process ${id.pid} to stop`,
  })
}

/** Ends the process with SIGKILL, even if it is paused. Resolves once it is gone. */
export async function end(id: ProcessId): Promise<void> {
  if (!signal(id, 'SIGKILL')) return
  await until(() => !isAlive(id), { what: `process ${id.pid} to end after SIGKILL`, timeoutMs: 10_000 })
}

export const format = (id: ProcessId): string => `${id.pid} ${id.start}`

export function parse(text: string): ProcessId | undefined {
  const [, pid, start] = /^(\d+) (\d+)\s*$/.exec(text) ?? []
  return pid === undefined || start === undefined ? undefined : { pid: Number(pid), start }
}

/** A shell command that prints the identity of its shell, which `exec` keeps. */
export const printIdentity =
  process.platform === 'linux'
    ? 'echo "$$ $(cut -d" " -f22 "/proc/$$/stat")"'
    : 'echo "$$ $(LC_ALL=C date -j -f "%a %b %d %T %Y" "$(LC_ALL=C ps -o lstart= -p $$ | xargs)" +%s)"'

function startInProc(pid: number): string | undefined {
  const fields = statFields(`/proc/${pid}/stat`)
  // If the first thread of a process has ended, others may still hold its sockets.
  const hasEnded = fields[0] === 'X' || (fields[0] === 'Z' && Number(fields[17]) <= 1)
  return hasEnded ? undefined : fields[19]
}

function threadStates(pid: number): string[] {
  try {
    const threads = readdirSync(`/proc/${pid}/task`)
    return threads.flatMap((thread) => statFields(`/proc/${pid}/task/${thread}/stat`)[0] ?? [])
  } catch {
    return []
  }
}

/** Returns state, parent and so on. The program's name before them is in parentheses and may contain anything. */
function statFields(file: string): string[] {
  try {
    const stat = readFileSync(file, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return []
  }
}

function childrenInProc(pid: number): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.filter((child) => statFields(`/proc/${child}/stat`)[1] === String(pid)).map(Number)
}

function childrenFromPgrep(pid: number): number[] {
  try {
    const output = execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    return output.split('\n').filter(Boolean).map(Number)
  } catch {
    return []
  }
}

function startFromPs(pid: number): string | undefined {
  try {
    const output = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
    const [, state, start] = /^(\S+)\s+(.*)$/.exec(output) ?? []
    return start === undefined || state?.startsWith('Z') ? undefined : String(Date.parse(start) / 1_000)
  } catch {
    return undefined
  }
}

function send(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}
