import { type Canary, expectedAttempts, isCanaryId } from '../canary.js'
import type { Written } from '../hostile.js'
import type { Letter, Sight, Sighting } from '../subject/sight.js'

/** Runs of one entry that are still no storm: its attempts, and what a lost answer may add. */
const maxRuns = 6

/** What was written and what was seen of it, over a round. */
export class Ledger {
  readonly canaries: { readonly topic: string; readonly canary: Canary }[] = []
  readonly written: Written[] = []
  readonly #runs = new Map<string, number[]>()
  readonly sightings: Sighting[] = []
  /** By entry id: a list that is taken twice shows the same. */
  readonly letters = new Map<string, Letter>()
  readonly texts: string[] = []
  readonly uncaught: string[] = []
  /** Texts with a password. */
  readonly leaks: string[] = []
  eventCount = 0
  peakBytes = 0

  take(sight: Sight): void {
    for (const [name, attempts] of Object.entries(sight.canaries)) {
      this.#runs.set(name, [...(this.#runs.get(name) ?? []), ...attempts])
    }
    this.sightings.push(...sight.sightings)
    this.texts.push(...sight.errors, ...sight.logs)
    this.uncaught.push(...sight.uncaught)
    this.leaks.push(...sight.leaks)
    this.eventCount += sight.eventCount
    this.peakBytes = Math.max(this.peakBytes, sight.rssBytes)
  }

  takeLetters(letters: readonly Letter[]): void {
    for (const letter of letters) this.letters.set(`${letter.topic} ${letter.entryId}`, letter)
  }

  runsOf(topic: string, id: string): readonly number[] {
    return this.#runs.get(`${topic} ${id}`) ?? []
  }

  /** Canaries that have not had all their runs, or are not yet the dead letter that they have to be. */
  missingCanaries(
    isWanted: (topic: string) => boolean = () => true,
    isListed: (topic: string) => boolean = () => true,
  ): readonly string[] {
    const letters = [...this.letters.values()]
    return this.canaries
      .filter(({ topic, canary }) => {
        if (!isWanted(topic)) return false
        const runs = this.runsOf(topic, canary.id)
        if (!expectedAttempts(canary.kind).every((attempt) => runs.includes(attempt))) return true
        if (canary.kind !== 'doomed' || !isListed(topic)) return false
        return !letters.some((letter) => letter.topic === topic && letter.id === canary.id)
      })
      .map(
        ({ topic, canary }) =>
          `${canary.kind} ${canary.id} of ${topic} (attempts ${this.runsOf(topic, canary.id).join(', ') || 'none'})`,
      )
  }

  /** Canaries whose attempts say that something else cost them one. */
  raisedCanaries(): readonly string[] {
    return this.canaries
      .filter(({ topic, canary }) => isHigh(this.runsOf(topic, canary.id), canary))
      .map(
        ({ topic, canary }) =>
          `${canary.kind} ${canary.id} of ${topic} (attempts ${this.runsOf(topic, canary.id).join(', ')})`,
      )
  }

  deadCanaries(): readonly string[] {
    const kinds = new Map(this.canaries.map(({ topic, canary }) => [`${topic} ${canary.id}`, canary.kind]))
    return [...this.letters.values()]
      .filter(
        ({ topic, id }) => isCanaryId(id) && kinds.has(`${topic} ${id}`) && kinds.get(`${topic} ${id}`) !== 'doomed',
      )
      .map(({ id, topic, failure }) => `${id} of ${topic}: ${failure.reason}, ${failure.error.message}`)
  }

  /** Entries that nobody has seen: neither by a name nor, for those that lost theirs, as one more than is known. */
  missingEntries(): readonly Written[] {
    const letters = [...this.letters.values()].filter(({ id }) => !isCanaryId(id))
    const lostFor = (fate: Written['fate'], seen: readonly Sighting[]): readonly Written[] => {
      const wanted = this.written.filter((one) => one.fate === fate)
      const unnamed = wanted.filter(({ names }) => !seen.some((one) => isNamed(one, names)))
      const known = this.written.flatMap(({ names }) => names)
      const others = new Set(
        seen.filter((one) => !isNamed(one, known)).map(({ topic, id, entryId }) => `${topic} ${id} ${entryId ?? ''}`),
      )
      const exact = unnamed.filter((one) => one.exact)
      const counted = unnamed.filter((one) => !one.exact)
      return [...exact, ...counted.slice(0, Math.max(0, counted.length - others.size))]
    }
    return [
      ...lostFor('settled', [...this.sightings, ...letters]),
      ...lostFor('handled', this.sightings),
      ...lostFor('listed', letters),
    ]
  }

  /** A hostile dead letter of which nothing says that it may go away by itself. */
  stays(letter: Letter): boolean {
    const gone = this.written.filter(({ fate }) => fate === 'ignored').flatMap(({ names }) => names)
    return !isCanaryId(letter.id) && !isNamed(letter, gone)
  }

  /** Whether its dead letter has to be refused when it is replayed. */
  cannotBeReplayed(letter: Letter): boolean {
    return this.written.some(({ noReplay, names }) => noReplay === true && isNamed(letter, names))
  }

  /** Entries that run again and again. */
  storms(): readonly string[] {
    const runs = new Map<string, number>()
    for (const { topic, id } of this.sightings) runs.set(`${topic} ${id}`, (runs.get(`${topic} ${id}`) ?? 0) + 1)
    // What shares an id by chance, or by the will of whoever wrote it, is told apart by how much was written.
    return [...runs]
      .filter(([, count]) => count > maxRuns + this.written.length)
      .map(([name, count]) => `${JSON.stringify(name)} ran ${count} times`)
  }
}

const isHigh = (runs: readonly number[], { kind }: Canary): boolean =>
  runs.length > maxRuns || runs.some((attempt) => attempt > Math.max(...expectedAttempts(kind)))

const isNamed = ({ id, entryId, marks }: Sighting, names: readonly string[]): boolean =>
  names.some((name) =>
    name.endsWith('*')
      ? (entryId ?? '').startsWith(name.slice(0, -1))
      : name === id || name === entryId || marks.includes(name),
  )
