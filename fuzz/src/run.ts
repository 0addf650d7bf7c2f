import * as fc from 'fast-check'
import { type Arena, defaultArena, newArena } from './arena.js'
import { fieldOf, type LiveField } from './field.js'
import type { Enemy, Generator } from './hostile.js'
import type { OracleName } from './oracle/broken.js'
import { fight } from './round.js'

export interface FuzzOptions {
  readonly enemy: Enemy
  readonly seed: number
  /** Ends the run after so long, or after so many rounds. */
  readonly forMs: number
  readonly rounds?: number | undefined
  /** Which generators take part. */
  readonly isWanted: (name: string) => boolean
  /** Oracles that say nothing of it. */
  readonly without: (name: string) => readonly OracleName[]
  /** fast-check's, of one failure: that round alone runs again. */
  readonly path?: string | undefined
  /** For finding smaller entries that fail as well. */
  readonly shrinkMs: number
  readonly stopAtFirst: boolean
  readonly begin: () => Promise<LiveField>
  readonly print: (line: string) => void
}

export interface Failure {
  readonly generator: string
  readonly seed: number
  readonly path: string
  readonly entries: readonly unknown[]
  readonly error: string
}

export interface FuzzResult {
  readonly failures: readonly Failure[]
  /** By generator. */
  readonly rounds: Readonly<Record<string, number>>
}

/** After a larger entry the next round has a new process. */
const largeBytes = 1024 * 1024

/** Seeds of rounds are far apart, and the first is the one that was given. */
const seedStep = 7_919

/** Lets the generators take turns until the time is over. A generator that failed does not take part again. */
export async function fuzz(options: FuzzOptions): Promise<FuzzResult> {
  const { enemy, seed, forMs, isWanted, print } = options
  const all = enemy.generators.filter(({ name }) => isWanted(name))
  if (all.length === 0) throw new Error(`No generator of ${enemy.name} has been chosen`)
  const rounds: Record<string, number> = {}
  const failures: Failure[] = []
  const field = fieldOf(options.begin)
  const until = Date.now() + forMs
  // Another seed begins with another generator, so that short runs of several seeds reach all of them.
  let turn = options.path === undefined ? seed : 0
  let waiting = [...all]
  try {
    for (let round = 0; waiting.length > 0 && Date.now() < until; round++) {
      if (round >= (options.path !== undefined ? 1 : (options.rounds ?? Number.POSITIVE_INFINITY))) break
      const generator = waiting[turn++ % waiting.length] as Generator
      const roundSeed = (seed + round * seedStep) | 0
      rounds[generator.name] = (rounds[generator.name] ?? 0) + 1
      const failure = await tryOnce(generator, roundSeed, { ...options, field })
      if (failure === undefined) continue
      failures.push(failure)
      print(reportOf(enemy.name, failure))
      if (options.stopAtFirst || options.path !== undefined) break
      waiting = waiting.filter((one) => one !== generator)
    }
  } finally {
    await field.end()
  }
  return { failures, rounds }
}

interface Trial extends FuzzOptions {
  readonly field: ReturnType<typeof fieldOf>
}

async function tryOnce(
  generator: Generator,
  seed: number,
  { enemy, field, path, shrinkMs, without }: Trial,
): Promise<Failure | undefined> {
  let roundNumber = 0
  let firstFailedAt: number | undefined
  const property = fc.asyncProperty(generator.entries, async (entries) => {
    // What is left to be tried passes at once, and the shrinking is over.
    if (firstFailedAt !== undefined && Date.now() > firstFailedAt + shrinkMs) return
    const { subject, restBytes, secrets } = await field.live()
    const arena = await arenaFor(generator, field, enemy)
    const salt = `${(seed >>> 0).toString(36)}.${(roundNumber++).toString(36)}`
    try {
      const largest = await fight(generator, entries, {
        subject,
        arena,
        enemy,
        restBytes,
        secrets,
        salt,
        without: without(generator.name),
      })
      if (generator.ruins !== undefined) field.leave()
      // What a process has freed may stay resident, and would be held against the next round.
      if (largest > largeBytes) await field.spoil()
    } catch (error) {
      firstFailedAt ??= Date.now()
      await field.spoil()
      throw error
    }
  })
  const details = await fc.check(property, {
    seed,
    numRuns: 1,
    ...(path !== undefined && { path, endOnFailure: true }),
  })
  if (!details.failed || details.counterexample === null) return undefined
  const error = details.errorInstance
  return {
    generator: generator.name,
    seed,
    path: details.counterexamplePath ?? '0',
    entries: details.counterexample[0],
    error:
      error instanceof Error
        ? error.name === 'Broken'
          ? error.message
          : (error.stack ?? error.message)
        : String(error),
  }
}

async function arenaFor(generator: Generator, field: ReturnType<typeof fieldOf>, enemy: Enemy): Promise<Arena> {
  const wanted = { ...defaultArena, ...generator.arena }
  const { arena } = field
  const fits =
    arena !== undefined &&
    enemy.keepsArenas &&
    arena.ordered === wanted.ordered &&
    arena.concurrency === wanted.concurrency &&
    arena.tasks === wanted.tasks
  return fits ? arena : await field.open(newArena(wanted))
}

const maxShownEntry = 1_500

/** What to read, and what to type to see it again. */
export function reportOf(broker: string, { generator, seed, path, entries, error }: Failure): string {
  const shown = entries.map((entry, index) => {
    const text = JSON.stringify(entry) ?? String(entry)
    return `  ${index + 1}. ${text.length > maxShownEntry ? `${text.slice(0, maxShownEntry)}... (${text.length} characters)` : text}`
  })
  return [
    `✖ ${generator}, seed ${seed}, path ${path}`,
    `  ${error}`,
    ' The hostile entries:',
    ...shown,
    ` Again: pnpm fuzz ${broker} --only ${generator} --seed ${seed} --path ${path}`,
  ].join('\n')
}
