import { rename, rm, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { failureBeforeReplay } from '@mq/core/adapter'
import { ifThere } from './files.js'
import { nameOf, stateOf } from './state.js'

/** @import { DeadLetterStore, Failure, RawDeadLetter } from '@mq/core/adapter' */
/** @import { Read } from './group.js' */

/** @typedef {{ root: string, dead: string, waiting: string, failures: string }} Paths */

/**
 * @param {Paths & {
 *   namesIn: (path: string) => Promise<string[]>,
 *   readMessage: (path: string, id: string) => Promise<Read>,
 *   readFailure: (id: string) => Promise<Failure | undefined>,
 *   writeFailure: (id: string, failure: Failure) => Promise<void> }} group
 * @returns {DeadLetterStore}
 */
export function deadLettersIn({ root, dead, waiting, failures, namesIn, readMessage, readFailure, writeFailure }) {
  /**
   * Takes only entries that the folder lists: an id from outside must never become a path.
   * @param {readonly string[] | undefined} entryIds
   * @param {(entryId: string) => Promise<void>} take
   */
  const takeEach = async (entryIds, take) => {
    const wanted = entryIds && new Set(entryIds)
    let taken = 0
    for (const entryId of (await namesIn(dead)).sort()) {
      if (wanted?.has(entryId) === false) continue
      // Not counted if another process was faster.
      if (await ifThere({ root, path: join(dead, entryId) }, () => take(entryId).then(() => true))) taken += 1
    }
    return taken
  }

  return {
    async list({ limit }) {
      const entries = (await namesIn(dead)).sort().slice(0, limit)
      const found = entries.map(async (entryId) => {
        const { due, id, attempt } = stateOf(entryId)
        const path = join(dead, entryId)
        const read = await ifThere({ root, path }, () => readMessage(path, id))
        const failure = (await readFailure(id)) ?? lostFailure(due, attempt)
        return read && { entryId, message: read.message, failure }
      })
      return (await Promise.all(found)).filter((entry) => entry !== undefined)
    },
    replay: (entryIds) =>
      takeEach(entryIds, async (entryId) => {
        const { id } = stateOf(entryId)
        const before = failureBeforeReplay(await readFailure(id))
        // Before the message can run: its next failure goes to the same file.
        if (before === undefined) await rm(join(failures, id), { force: true })
        else await writeFailure(id, before)
        await rename(join(dead, entryId), join(waiting, nameOf({ due: Date.now(), id, attempt: 1 })))
      }),
    purge: (entryIds) =>
      takeEach(entryIds, async (entryId) => {
        await unlink(join(dead, entryId))
        await rm(join(failures, stateOf(entryId).id), { force: true })
      }),
  }
}

/** @param {number} at @param {number} attempts @returns {Failure} */
function lostFailure(at, attempts) {
  const error = { name: 'Error', message: 'The file with the reason was removed' }
  return { reason: 'error', error, attempts, firstFailedAt: at, failedAt: at }
}
