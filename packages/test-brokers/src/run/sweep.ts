import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { removeContainers } from '../sources/docker.js'
import { endProcessesOf } from './family.js'
import { namesIn, ownerOf, readProcess, removeFolder, root } from './folder.js'
import { portsFolder } from './ports.js'
import { isAlive, type ProcessId } from './process.js'

/**
 * Cleans up after dead owners: ends processes by their recorded ids and containers by the label with their folder, then
 * removes the folders and the reserved ports. Resolves with the folders. Safe beside other runs.
 */
export async function sweep(): Promise<string[]> {
  return await clear((owner) => !isAlive(owner))
}

/** Ends and removes everything of one owner, dead or alive. */
export async function clearOwnedBy(owner: ProcessId): Promise<string[]> {
  return await clear((other) => other.pid === owner.pid && other.start === owner.start)
}

async function clear(isMeant: (owner: ProcessId) => boolean): Promise<string[]> {
  const folders = namesIn(root()).map((name) => join(root(), name))
  const meant = folders.filter((folder) => {
    const owner = ownerOf(folder)
    return owner !== undefined && isMeant(owner)
  })
  const cleared = await Promise.all(meant.map(async (folder) => ((await clearFolder(folder)) ? [folder] : [])))
  for (const name of namesIn(portsFolder())) {
    const file = join(portsFolder(), name)
    const owner = readProcess(file)
    if (owner === undefined ? isOld(file) : isMeant(owner)) rmSync(file, { force: true })
  }
  return cleared.flat()
}

/** Removes a folder and its processes. Returns false if the folder has to wait for a Docker engine. */
async function clearFolder(folder: string): Promise<boolean> {
  await endProcessesOf(folder)
  if (namesIn(folder).includes('container') && !(await removeContainers(folder))) return false
  await removeFolder(folder)
  return true
}

function isOld(file: string): boolean {
  try {
    return Date.now() - statSync(file).mtimeMs > 60_000
  } catch {
    return false
  }
}
