import type { DeadLetter, DeadLetters, Queue } from '@mq/core'
import { type Condition, readWhere } from '../../input/where.js'
import type { Session } from '../../session.js'
import { requireGroupThere } from '../stats.js'

/** The most entries that a call lists. */
export const maxListed = 10_000

/** The entries that a command is about. */
export interface Selection {
  readonly topic: string
  readonly group: string
  readonly entryIds: readonly string[]
  readonly where: readonly string[]
  readonly limit: number
}

/** Returns whether the selection names some entries, so that it is a failure if none of them is there. */
export const isNarrowed = ({ entryIds, where }: Selection): boolean => entryIds.length > 0 || where.length > 0

export function conditionOf({ entryIds, where }: Selection): Condition {
  const holds = readWhere(where)
  if (entryIds.length === 0) return holds
  const wanted = new Set(entryIds)
  return (letter) => wanted.has(letter.entryId) && holds(letter)
}

interface Found {
  readonly letters: readonly DeadLetter[]
  /** True if there are more entries than were looked at. */
  readonly isPart: boolean
}

/** Finds up to `limit` of the selected entries, the oldest first. */
export async function findLetters(
  letters: DeadLetters,
  selection: Selection,
  dead: number | undefined,
): Promise<Found> {
  const isFiltered = isNarrowed(selection)
  const listed = await letters.list({ limit: isFiltered ? maxListed : Math.min(selection.limit, maxListed) })
  const found = listed.filter(conditionOf(selection))
  const isPart = isFiltered && found.length < selection.limit && dead !== undefined && dead > listed.length
  return { letters: found.slice(0, selection.limit), isPart }
}

/** Returns the number of dead letters. Ends the command if there is no such group. */
export async function countDead(queue: Queue, { topic, group }: Selection): Promise<number | undefined> {
  const found = await queue.stats(topic, group)
  if (!found.dead) requireGroupThere(found, { topic, group })
  return found.dead
}

export function noteOfPart({ screen }: Session, looked: number): void {
  screen.note(`mq: only the oldest ${looked.toLocaleString('en-US')} dead letters were looked at; there are more`)
}
