import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { basename, join } from 'node:path'
import { format, type ProcessId, parse, self } from './process.js'

/**
 * Where everything lives that a run starts: one folder per server, child or run, whose name says which process owns it.
 *
 * A folder and its owner appear in one step, so that a run that is killed at any moment leaves nothing that the next one
 * cannot tell from what is in use.
 */
export function root(): string {
  const folder = join(tmpdir(), `mq-test-brokers-${userInfo().uid}`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return folder
}

export async function createFolder(label: string, owner: ProcessId = self): Promise<string> {
  return await mkdtemp(join(root(), `${label}.${format(owner).replace(' ', '.')}.`))
}

/** The process that a folder belongs to; undefined for anything else that lies there. */
export function ownerOf(folder: string): ProcessId | undefined {
  const [, pid, start, unique] = basename(folder).split('.')
  return unique === undefined ? undefined : parse(`${pid} ${start}`)
}

/** The processes that wrote themselves down in the folder, alive or not. */
export function processesOf(folder: string): ProcessId[] {
  return namesIn(folder)
    .filter((name) => name.endsWith('.pid'))
    .flatMap((name) => readProcess(join(folder, name)) ?? [])
}

/** Retried for a moment, as a process that has just ended may still be writing. */
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
