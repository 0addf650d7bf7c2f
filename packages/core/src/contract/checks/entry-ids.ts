import { shown } from './shown.js'

/** Refuses everything but a list of texts: an entry whose `entryId` is misspelt must not turn "these" into "all". */
export function requireEntryIds(entryIds: unknown): readonly string[] {
  if (!Array.isArray(entryIds) || entryIds.some((id) => typeof id !== 'string')) {
    throw new TypeError(`The entries are named by an array of their entryId, not ${shown(entryIds)}`)
  }
  return entryIds
}
