import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { basename, join } from 'node:path'
import { format, type ProcessId, parse, self } from './process.js'

/**
 * Creates the folder of a server, child or run. Its name says which process owns it.
 *
 * A folder and its owner appear in one step. So the next run can tell what a killed run left from what is in use.
 */
export function root(): string {
  const folder = join(tmpdir(), `mq-test-brokers-${userInfo().uid}`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return folder
}

export async function createFolder(label: string, owner: ProcessId = self): Promise<string> {
  return await mkdtemp(join(root(), `${label}.${format(owner).replace(' ', '.')}.`))
}

/** Returns the owner of a folder, or undefined for anything else in the parent folder. */
export function ownerOf(folder: string): ProcessId | undefined {
  const [, pid, start, unique] = basename(folder).split('.')
  return unique === undefined ? undefined : parse(`${pid} ${start}`)
}

/** Returns the processes that are recorded in the folder, alive or not. */
export function processesOf(folder: string): ProcessId[] {
  return namesIn(folder)
    .filter((name) => name.endsWith('.pid'))
    .flatMap((name) => readProcess(join(folder, name)) ?? [])
}

/** Removes the folder. Retries briefly, because a process that has just ended may still be writing. */
export const removeFolder = (folder: string): Promise<void> =>
  rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })

export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

export function readProcess(file: string): ProcessId | undefined {
  try {
    return parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}
