import { usageFailure } from '../exit-codes.js'
import type { Input } from '../terminal.js'
import { readAll } from './data.js'

/** Returns the entries that are named: the arguments, or the lines of stdin for `-`. */
export async function readEntries(given: readonly string[], stdin: Input): Promise<readonly string[]> {
  if (!given.includes('-')) return given
  if (given.length > 1) throw usageFailure('"-" reads the entries from stdin, so no others can be named')
  const lines = (await readAll(stdin)).split(/\r?\n/)
  return lines.map((line) => line.trim()).filter((line) => line !== '')
}
