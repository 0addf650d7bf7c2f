import { randomUUID } from 'node:crypto'
import { linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { readProcess } from './folder.js'
import { format, isAlive, type ProcessId, self } from './process.js'
import { until } from './wait.js'

/** Takes the lock file for `owner` unless a living process has it. Across processes exactly one caller gets `true`. */
export function claim(file: string, owner: ProcessId = self): boolean {
  mkdirSync(dirname(file), { recursive: true })
  const mine = `${file}.${randomUUID()}`
  writeFileSync(mine, format(owner))
  try {
    if (link(mine, file)) return true
    const holder = readProcess(file)
    if (holder !== undefined && isAlive(holder)) return false
    setAside(file)
    return link(mine, file)
  } finally {
    rmSync(mine, { force: true })
  }
}

/** Releases the lock file unless another owner has it by now. */
export function release(file: string, owner: ProcessId = self): void {
  const holder = readProcess(file)
  if (holder === undefined || format(holder) === format(owner)) rmSync(file, { force: true })
}

export interface LockOptions {
  readonly what: string
  readonly timeoutMs?: number
}

/** Runs `work` while nothing else in any process holds the lock file. A dead holder does not count. */
export async function withLock<T>(file: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  await until(() => claim(file), { what: `${options.what} (lock ${file})`, timeoutMs: options.timeoutMs ?? 60_000 })
  try {
    return await work()
  } finally {
    release(file)
  }
}

/** Creates the file through a link, so that it appears with its content. */
function link(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Removes a dead holder's file. Renames it first, because a living process may take it before the removal. */
function setAside(file: string): void {
  const aside = `${file}.${randomUUID()}`
  try {
    renameSync(file, aside)
  } catch {
    return
  }
  const holder = readProcess(aside)
  if (holder !== undefined && isAlive(holder)) link(aside, file)
  rmSync(aside, { force: true })
}
