import type { DeadLetter, DeadLetters, Queue } from '@mq/core'
import { type Condition, readWhere } from '../../input/where.js'
import type { Session } from '../../session.js'
import { requireGroupThere } from '../stats.js'

/** The most entries that a call looks at. */
const maxListed = 10_000

/** The entries that a command is about. */
export interface Selection {
  readonly topic: string
  readonly group: string
  readonly entryIds: readonly string[]
  readonly where: readonly string[]
  /** Undefined if there is no limit. */
  readonly limit: number | undefined
}

/** Returns whether the selection names some entries, so that it is a failure if none of them is there. */
export const isNarrowed = ({ entryIds, where }: Selection): boolean => entryIds.length > 0 || where.length > 0

/** Returns the condition of a selection, or undefined if it has none. */
export function conditionOf(selection: Selection): Condition | undefined {
  if (!isNarrowed(selection)) return undefined
  const holds = readWhere(selection.where)
  if (selection.entryIds.length === 0) return holds
  const wanted = new Set(selection.entryIds)
  return (letter) => wanted.has(letter.entryId) && holds(letter)
}

interface Found {
  readonly letters: readonly DeadLetter[]
  /** True if there are more entries than were looked at. */
  readonly isPart: boolean
}

/** Finds the selected entries, the oldest first. */
export async function findLetters(
  letters: DeadLetters,
  selection: Selection,
  dead: number | undefined,
): Promise<Found> {
  const limit = Math.min(selection.limit ?? maxListed, maxListed)
  const where = conditionOf(selection)
  const found = await letters.list({ limit, where })
  const isPart = where !== undefined && found.length < limit && dead !== undefined && dead > maxListed
  return { letters: found, isPart }
}

/** Returns the number of dead letters. Ends the command if there is no such group. */
export async function countDead(queue: Queue, { topic, group }: Selection): Promise<number | undefined> {
  const found = await queue.stats(topic, group)
  if (!found.dead) requireGroupThere(found, { topic, group })
  return found.dead
}

export function noteOfPart({ screen }: Session): void {
  const looked = maxListed.toLocaleString('en-US')
  screen.note(`mq: not all dead letters were looked at: over ${looked} that do not match stand before the others`)
}
