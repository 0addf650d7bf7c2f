import { randomBytes } from 'node:crypto'
import { readdir, rename, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

const maker = randomBytes(6).toString('hex')
let made = 0

/** Differs from any other, in this process or another, and sorts after those that this process made before. */
export const newId = () => `${String(made++).padStart(10, '0')}-${maker}`

/** @param {unknown} error @param {string[]} codes */
export const isCode = (error, ...codes) =>
  error instanceof Error && 'code' in error && codes.includes(String(error.code))

/**
 * What the work on `path` gives, or undefined where it is not there. That a file is not found may also mean that all of `root`
 * is away for a while, and to take one for the other would lose messages: it takes proof, a list of what is beside it.
 * What came there in the meantime is worked on after all.
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
    // A folder that was made in the meantime has a list by now.
    return (await isMissing({ root, path: folder })) || isMissing({ root, path })
  }
}

/** A file is there as a whole or not at all. @param {{ drafts: string, path: string, content: string }} file */
export async function writeWhole({ drafts, path, content }) {
  const draft = join(drafts, newId())
  await writeFile(draft, content)
  await rename(draft, path)
}
