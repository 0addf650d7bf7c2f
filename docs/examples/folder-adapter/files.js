import { randomBytes } from 'node:crypto'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const maker = randomBytes(6).toString('hex')
let made = 0

/** Differs from any other, in this process or another, and sorts after those that this process made before. */
export const newId = () => `${String(made++).padStart(10, '0')}-${maker}`

/** @param {unknown} error @param {string[]} codes */
export const isCode = (error, ...codes) =>
  error instanceof Error && 'code' in error && codes.includes(String(error.code))

/**
 * What the work gives, or undefined where a file or folder on its way does not exist.
 * @template T
 * @param {Promise<T>} work
 * @returns {Promise<T | undefined>}
 */
export async function ifThere(work) {
  try {
    return await work
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/** A file is there as a whole or not at all. @param {{ drafts: string, path: string, content: string }} file */
export async function writeWhole({ drafts, path, content }) {
  const draft = join(drafts, newId())
  await writeFile(draft, content)
  await rename(draft, path)
}
