import { join } from 'node:path'
import { processesOf, readProcess } from './folder.js'
import { childrenOf, end, type ProcessId, suspend } from './process.js'

/**
 * The name of the record of a process whose children lead groups of their own, as those of PostgreSQL do. A signal to its group does not
 * reach them, and they may outlive it.
 */
export const parentName = 'parent'

/** Returns the living children of the process that the folder records as a parent. Empty if it records none. */
export function childrenIn(folder: string): ProcessId[] {
  const parent = parentOf(folder)
  return parent === undefined ? [] : childrenOf(parent)
}

/** Ends the processes that the folder records, and the children of a parent, with SIGKILL. Resolves once they are gone. */
export async function endProcessesOf(folder: string): Promise<void> {
  const parent = parentOf(folder)
  // A parent that stands still starts no more children.
  if (parent !== undefined) await suspend(parent)
  for (const id of [...processesOf(folder), ...childrenIn(folder)]) await end(id)
}

const parentOf = (folder: string): ProcessId | undefined => readProcess(join(folder, `${parentName}.pid`))
