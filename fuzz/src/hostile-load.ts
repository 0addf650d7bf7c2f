import { setTimeout as sleep } from 'node:timers/promises'
import * as fc from 'fast-check'
import type { Arena } from './arena.js'
import type { Enemy, Generator, Written } from './hostile.js'
import { isRun } from './known.js'
import { Ledger } from './oracle/ledger.js'
import type { Letter, Sighting } from './subject/sight.js'

export interface HostileLoadOptions {
  readonly enemy: Enemy
  readonly arena: Arena
  /** Chooses the generators, their entries and the pauses. */
  readonly random: () => number
}

/** Hostile entries that are written beside a load, and the account of what became of them. */
export interface HostileLoad {
  /** Writes entries, a generator at a time, until `pause`. */
  start(): void
  /** Resolves once the entry that is on its way has been written. */
  pause(): Promise<void>
  see(sightings: readonly Sighting[]): void
  seeLetters(letters: readonly Letter[]): void
  /** Describes entries that were neither handled nor listed among the dead letters. */
  missing(): readonly string[]
  /** Describes entries that run again and again. */
  storms(): readonly string[]
  /** Starts a new account. Only when nothing is missing: everything written so far is forgotten. */
  settle(): void
  /** Returns how many entries the broker has taken. */
  written(): number
  /** Returns how many of them look like messages whose content is gone. */
  lookLost(): number
  /** Returns the size of the largest entry that a consumer can have had in memory. */
  largestBytes(): number
}

/** They write hundreds of megabytes in a round, which stay at the broker until they are listed and purged. */
const tooLarge: readonly string[] = [
  'redis/large-headers',
  'redis/large-without-data',
  'redis/large-dead',
  'rabbitmq/heavy',
]
const maxPauseMs = 600

/** A generator takes part if every promise holds for it, it leaves our own structures whole and readable, and it needs no scheduler. */
const takesPart = ({ name, sabotages, ruins, arena }: Generator): boolean =>
  isRun(name) && sabotages !== true && ruins === undefined && arena?.tasks !== true && !tooLarge.includes(name)

export function createHostileLoad({ enemy, arena, random }: HostileLoadOptions): HostileLoad {
  const generators = enemy.generators.filter(takesPart)
  const integer = (below: number): number => Math.floor(random() * below)
  let ledger = new Ledger()
  let isPaused = true
  let writing: Promise<void> = Promise.resolve()
  let rounds = 0
  let taken = 0
  let largest = 0
  let lookLost = 0

  async function write(generator: Generator, entry: unknown, mark: string): Promise<void> {
    const attack = { arena, mark, instance: '', runningTask: '' }
    // A broker that was killed on the way may have taken the entry or not, so nothing is promised of it.
    const lost = (): Written => ({ fate: 'refused', names: [mark], bytes: 0 })
    const written = await generator.write(entry, attack).catch(lost)
    ledger.written.push(written)
    largest = Math.max(largest, written.bytes)
    if (written.fate !== 'refused') taken += 1
    if (written.looksLost) lookLost += 1
  }

  async function writeRounds(): Promise<void> {
    while (!isPaused) {
      const generator = generators[integer(generators.length)]
      if (generator === undefined) return
      const [entries = []] = fc.sample(generator.entries, { seed: integer(2 ** 31), numRuns: 1 })
      const round = (rounds++).toString(36)
      for (const [index, entry] of entries.entries()) {
        if (isPaused) return
        await write(generator, entry, `~fzs${round}.${index}~`)
      }
      await sleep(random() * maxPauseMs)
    }
  }

  return {
    start() {
      isPaused = false
      writing = writing.then(writeRounds)
    },
    async pause() {
      isPaused = true
      await writing
    },
    see: (sightings) => void ledger.sightings.push(...sightings),
    seeLetters: (letters) => ledger.takeLetters(letters),
    missing: () =>
      ledger.missingEntries().map(({ fate, names }) => `${fate} ${JSON.stringify(names.join(' = ').slice(0, 200))}`),
    storms: () => ledger.storms(),
    settle() {
      ledger = new Ledger()
    },
    written: () => taken,
    lookLost: () => lookLost,
    largestBytes: () => Math.min(largest, enemy.maxEntryBytes),
  }
}
