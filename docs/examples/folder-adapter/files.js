import { randomBytes } from 'node:crypto'
import { readdir, rename, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

const maker = randomBytes(6).toString('hex')
let made = 0

/** Returns an id that is unique across processes and sorts after earlier ids of this process. */
export const newId = () => `${String(made++).padStart(10, '0')}-${maker}`

/** @param {unknown} error @param {string[]} codes */
export const isCode = (error, ...codes) =>
  error instanceof Error && 'code' in error && codes.includes(String(error.code))

/**
 * Resolves to the result of the work on `path`, or to undefined if the file does not exist. A file that is not found may also
 * mean that all of `root` is gone for a while. Taking one for the other would lose messages, so the list of its folder has to
 * prove it. The work is done after all if the file appeared meanwhile.
 * @template T
 * @param {{ root: string, path: string }} place
 * @param {() => Promise<T>} work
 * @returns {Promise<T | undefined>}
 */
export async function ifThere(place, work) {
  try {
    return await work()
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error
    return (await isMissing(place)) ? undefined : work()
  }
}

/** @param {{ root: string, path: string }} place @returns {Promise<boolean>} */
async function isMissing({ root, path }) {
  const folder = dirname(path)
  try {
    return !(await readdir(folder)).includes(basename(path))
  } catch (error) {
    if (!isCode(error, 'ENOENT') || folder === root) throw error
    // A folder that was created meanwhile can be listed now.
    return (await isMissing({ root, path: folder })) || isMissing({ root, path })
  }
}

/** Writes a file so that it exists completely or not at all. @param {{ drafts: string, path: string, content: string }} file */
export async function writeWhole({ drafts, path, content }) {
  const draft = join(drafts, newId())
  await writeFile(draft, content)
  await rename(draft, path)
}
