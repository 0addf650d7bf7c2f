import { randomUUID } from 'node:crypto'
import { readdir, readFile, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { ifThere, writeWhole } from './files.js'

/** @typedef {{ root: string, topics: string, leases: string, drafts: string }} Places */

/**
 * Says that a consumer lives: a file whose time is renewed. Whoever finds it too old removes it, and then may take what is
 * claimed in its name.
 * @param {Places} places
 * @param {number} leaseMs
 * @param {string} [id] an id that nobody else claims under; a new one where none is given
 */
export async function openLease({ root, leases, drafts }, leaseMs, id = randomUUID()) {
  const path = join(leases, id)
  await writeWhole({ drafts, path, content: String(leaseMs) })
  return {
    id,
    /** Whether it was still there. */
    async renew() {
      const now = new Date()
      return (await ifThere({ root, path }, () => utimes(path, now, now).then(() => true))) ?? false
    },
    end: () => rm(path, { force: true }),
  }
}

/** @typedef {Awaited<ReturnType<typeof openLease>>} Lease */

/**
 * Whether the consumer lives. If not, it is dead from now on, even if it only slept.
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

/** Removes what killed processes have left behind. @param {Places} places */
export async function sweep(places) {
  for (const id of await readdir(places.leases)) await isAlive(places, id)
  for (const draft of await readdir(places.drafts)) {
    const path = join(places.drafts, draft)
    const found = await ifThere({ root: places.root, path }, () => stat(path))
    if (found !== undefined && Date.now() - found.mtimeMs > dayMs) await rm(path, { recursive: true, force: true })
  }
}
