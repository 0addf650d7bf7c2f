import { randomUUID } from 'node:crypto'
import { readdir, readFile, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { ifThere, writeWhole } from './files.js'

/** @typedef {{ root: string, topics: string, leases: string, drafts: string }} Places */

/**
 * Opens a lease: a file whose time a living consumer renews. Any process that finds it too old removes it, and may then take
 * the messages that were claimed under its name.
 * @param {Places} places
 * @param {number} leaseMs
 * @param {string} [id] an id that no other consumer claims under. Default: a new one.
 */
export async function openLease({ root, leases, drafts }, leaseMs, id = randomUUID()) {
  const path = join(leases, id)
  await writeWhole({ drafts, path, content: String(leaseMs) })
  return {
    id,
    /** Renews the lease. Resolves to false if another process has removed it. */
    async renew() {
      const now = new Date()
      return (await ifThere({ root, path }, () => utimes(path, now, now).then(() => true))) ?? false
    },
    end: () => rm(path, { force: true }),
  }
}

/** @typedef {Awaited<ReturnType<typeof openLease>>} Lease */

/**
 * Resolves to whether the consumer lives. If it does not, it is dead from now on, even if it only slept.
 * @param {Places} places
 * @param {string} id
 */
export async function isAlive({ root, leases }, id) {
  const path = join(leases, id)
  const found = await ifThere({ root, path }, () => Promise.all([stat(path), readFile(path, 'utf8')]))
  if (found === undefined) return false
  const [{ mtimeMs }, leaseMs] = found
  if (Date.now() - mtimeMs <= Number(leaseMs)) return true
  await rm(path, { force: true })
  return false
}

const dayMs = 86_400_000

/** Removes the files that killed processes have left behind. @param {Places} places */
export async function sweep(places) {
  for (const id of await readdir(places.leases)) await isAlive(places, id)
  for (const draft of await readdir(places.drafts)) {
    const path = join(places.drafts, draft)
    const found = await ifThere({ root: places.root, path }, () => stat(path))
    if (found !== undefined && Date.now() - found.mtimeMs > dayMs) await rm(path, { recursive: true, force: true })
  }
}
