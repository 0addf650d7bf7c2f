import type { DeadLetters, ReplayRate } from '@mq/core'
import { CommandFailure, exitCode } from '../../exit-codes.js'
import { inParts } from '../../input/parts.js'
import { requireYes } from '../../output/ask.js'
import { safeText } from '../../output/escape.js'
import { progress } from '../../output/progress.js'
import { plural } from '../../output/show.js'
import type { Session } from '../../session.js'
import { conditionOf, countDead, isNarrowed, noteOfPart, type Selection } from './select.js'

export async function replay(session: Session, selection: Selection, rate: ReplayRate | undefined): Promise<void> {
  await session.withQueue(async (queue) => {
    const letters = queue.deadLetters(selection.topic, selection.group)
    const dead = await countDead(queue, selection)
    await changeAll({ session, selection, dead, done: 'replayed' }, async (onProgress) => {
      if (areNamed(selection) && rate === undefined) {
        return await named(
          { session, selection, done: 'replayed' },
          async (ids) => (await letters.replay(ids)).replayed,
        )
      }
      const { replayed: changed, complete } = await letters.replay({
        ...common(session, selection),
        rate,
        onProgress: ({ replayed }) => onProgress(replayed),
      })
      return { changed, complete }
    })
  })
}

export async function purge(session: Session, selection: Selection): Promise<void> {
  await session.withQueue(async (queue) => {
    const letters = queue.deadLetters(selection.topic, selection.group)
    const dead = await countDead(queue, selection)
    const isYes = session.options.yes === true
    if (dead !== 0) await requireYes({ ...session, isYes, text: question(selection, dead) })
    await changeAll({ session, selection, dead, done: 'purged' }, (onProgress) =>
      areNamed(selection)
        ? named({ session, selection, done: 'purged' }, async (ids) => (await letters.purge(ids)).purged)
        : purgeMatching(letters, session, selection, onProgress),
    )
  })
}

async function purgeMatching(
  letters: DeadLetters,
  session: Session,
  selection: Selection,
  onProgress: (changed: number) => void,
): Promise<Changed> {
  const { where = () => true, ...others } = common(session, selection)
  const { purged: changed, complete } = await letters.purge({
    ...others,
    where,
    onProgress: ({ purged }) => onProgress(purged),
  })
  return { changed, complete }
}

interface Changed {
  readonly changed: number
  /** False if not every entry was looked at. */
  readonly complete: boolean
}

interface Change {
  readonly session: Session
  readonly selection: Selection
  /** The number of dead letters at the start. Undefined if the broker cannot count them. */
  readonly dead: number | undefined
  readonly done: 'replayed' | 'purged'
}

/** Entries that are named alone need not be looked for. */
const areNamed = ({ entryIds, where, limit }: Selection): boolean =>
  entryIds.length > 0 && where.length === 0 && limit === undefined

async function named(
  { session, selection: { entryIds }, done }: Omit<Change, 'dead'>,
  carryOut: (ids: readonly string[]) => Promise<number>,
): Promise<Changed> {
  return { changed: await inParts({ session, entryIds, done, carryOut }), complete: true }
}

const common = ({ signal }: Session, selection: Selection) => ({
  where: conditionOf(selection),
  limit: selection.limit,
  signal,
})

/** Shows how far it is, and says what was done. A change that is broken off leaves every entry either where it was or done. */
async function changeAll(
  { session, selection, dead, done }: Change,
  work: (onProgress: (changed: number) => void) => Promise<Changed>,
): Promise<void> {
  const { screen, signal, options } = session
  const line = progress(screen)
  const max = selection.limit ?? Number.POSITIVE_INFINITY
  const total = isNarrowed(selection) || dead === undefined ? '' : ` of ${Math.min(dead, max).toLocaleString('en-US')}`
  let found: Changed
  try {
    found = await work((changed) => line.update(`${done} ${changed.toLocaleString('en-US')}${total}`))
  } finally {
    line.end()
  }
  const { changed, complete } = found
  const isBrokenOff = signal.aborted && !complete
  if (!complete && !isBrokenOff && changed < max) noteOfPart(session)
  if (options.json) await screen.json({ [done]: changed, interrupted: isBrokenOff })
  else await screen.line(`${done} ${plural(changed, 'dead letter')}`)
  if (isBrokenOff) {
    throw new CommandFailure(exitCode.brokenOff, 'Broken off. Nothing is lost: the same command goes on with the rest')
  }
  if (changed === 0 && isNarrowed(selection)) throw new CommandFailure(exitCode.notFound, 'No dead letter matches')
}

function question(selection: Selection, dead: number | undefined): string {
  const { topic, group, entryIds, limit = Number.POSITIVE_INFINITY } = selection
  const place = `of ${safeText(topic)}/${safeText(group)}`
  if (entryIds.length > 0) return `Remove ${plural(Math.min(entryIds.length, limit), 'dead letter')} ${place} for good?`
  const all = dead === undefined ? 'the dead letters' : plural(Math.min(dead, limit), 'dead letter')
  if (!isNarrowed(selection)) return `Remove ${all} ${place} for good?`
  return `Remove those of ${dead === undefined ? all : plural(dead, 'dead letter')} ${place} that match for good?`
}
