import type { DeadLetters } from '@mq/core'
import { CommandFailure, exitCode } from '../../exit-codes.js'
import { pause } from '../../input/pause.js'
import { progress } from '../../output/progress.js'
import { plural } from '../../output/show.js'
import type { Session } from '../../session.js'
import { conditionOf, isNarrowed, maxListed, noteOfPart, type Selection } from './select.js'

/** How many entries one call works on. Small enough that Ctrl-C does not have to wait long for the end of a part. */
const maxPart = 250

interface Work {
  readonly session: Session
  readonly letters: DeadLetters
  readonly selection: Selection
  /** The number of dead letters at the start. Those that die meanwhile come after them, and are left alone. */
  readonly dead: number
  /** Entries a second. Default: no limit. */
  readonly rate?: number | undefined
  /** Works on entries, and resolves to how many there were. */
  readonly carryOut: (entryIds: readonly string[]) => Promise<number>
  /** The word for what was done with them, "replayed" for example. */
  readonly done: string
}

/**
 * Works on the selected entries part by part, the oldest first. Each part is whole before the next one begins. A command that is broken
 * off leaves every entry either where it was or done, and may be given again.
 */
export async function inParts({ session, letters, selection, dead, rate, carryOut, done }: Work): Promise<void> {
  const { screen, signal, options } = session
  const line = progress(screen)
  const matches = conditionOf(selection)
  const startedAt = performance.now()
  const partSize = rate === undefined ? maxPart : Math.max(1, Math.min(maxPart, Math.floor(rate)))
  const total = isNarrowed(selection) ? undefined : Math.min(dead, selection.limit)
  const looked = new Set<string>()
  let [worked, taken, isPart] = [0, 0, false]

  async function part(entryIds: readonly string[]): Promise<void> {
    if (rate !== undefined) await pause((1_000 * taken) / rate - (performance.now() - startedAt), signal)
    if (signal.aborted) return
    worked += await carryOut(entryIds)
    taken += entryIds.length
    line.update(
      `${done} ${worked.toLocaleString('en-US')}${total === undefined ? '' : ` of ${total.toLocaleString('en-US')}`}`,
    )
  }

  try {
    while (looked.size < dead && taken < selection.limit && !signal.aborted) {
      const listed = await letters.list({ limit: maxListed })
      const fresh = listed.filter(({ entryId }) => !looked.has(entryId)).slice(0, dead - looked.size)
      isPart = fresh.length === 0 && listed.length > 0
      if (fresh.length === 0) break
      for (const { entryId } of fresh) looked.add(entryId)
      const ids = fresh.filter(matches).map(({ entryId }) => entryId)
      const wanted = ids.slice(0, selection.limit - taken)
      for (let at = 0; at < wanted.length && !signal.aborted; at += partSize)
        await part(wanted.slice(at, at + partSize))
    }
  } finally {
    line.end()
  }
  if (isPart && looked.size < dead) noteOfPart(session, looked.size)
  if (options.json) await screen.json({ [done]: worked, interrupted: signal.aborted })
  else await screen.line(`${done} ${plural(worked, 'dead letter')}`)
  if (signal.aborted) {
    throw new CommandFailure(exitCode.brokenOff, 'Broken off. Nothing is lost: the same command goes on with the rest')
  }
  if (worked === 0 && isNarrowed(selection)) throw new CommandFailure(exitCode.notFound, 'No dead letter matches')
}
