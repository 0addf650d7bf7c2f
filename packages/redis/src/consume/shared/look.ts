import { CommandError, willPass } from '../../connection/errors.js'
import type { Link } from '../../connection/link.js'
import { presencePrefix } from '../../connection/presence.js'
import type { Settings } from '../../options.js'
import type { GroupPlace } from '../../wire/keys.js'
import { lookScript } from '../../wire/scripts/look.js'

/** `claims` are messages whose owner is gone. */
export type Found = 'work' | 'lanes' | 'claims'

/** A consumer that may be at rest. */
export interface Rester {
  readonly place: GroupPlace
  readonly isResting: boolean
  /** The entry that was read last, if the consumer has no group. */
  readonly lastId?: string
  /** Whether the consumer takes its group for paused. */
  readonly isPaused?: boolean
  /** Called if there is work, or if only a round of the consumer can tell. */
  onFound(what: Found): void
  /** Called if the group was paused or resumed. */
  onPause?(): void
}

export interface LookParts {
  readonly link: Link
  readonly settings: Pick<Settings, 'prefix' | 'visibilityMs'>
  /** How long until the next look. */
  readonly everyMs: () => number
}

/** The meaning of each number that the script returns. */
const foundBy: readonly (Found | 'pause' | undefined)[] = [undefined, 'work', 'lanes', 'claims', 'pause']
/** How many consumers one script looks for, so that none keeps the broker busy for long. */
const maxTogether = 100
/** How often a look asks for consumers that are not at rest, too, whether their groups are paused. */
const pausesEveryMs = 4_000
/** How long a consumer that the broker refused is looked for alone. */
const aloneMs = 60_000

/**
 * Looks for work of all consumers at rest together. Normally they are woken before, so a look finds only what was missed. Keys that the
 * user may not read make the broker refuse a whole script, so they are then looked at alone.
 */
export class Look {
  readonly #parts: LookParts
  readonly #resters = new Set<Rester>()
  readonly #aloneUntil = new WeakMap<Rester, number>()
  #timer: NodeJS.Timeout | undefined
  #lookedAt = 0
  #askedAt = 0
  #isLooking = false
  #isClosed = false

  constructor(parts: LookParts) {
    this.#parts = parts
  }

  add(rester: Rester): void {
    this.#resters.add(rester)
    this.hasten()
  }

  remove(rester: Rester): void {
    this.#resters.delete(rester)
    if (this.#resters.size === 0) clearTimeout(this.#timer)
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  /** Plans the next look anew. */
  hasten(): void {
    if (this.#isClosed || this.#isLooking || this.#resters.size === 0) return
    clearTimeout(this.#timer)
    const leftMs = this.#lookedAt + this.#parts.everyMs() - performance.now()
    this.#timer = setTimeout(() => void this.#look(), Math.max(0, leftMs))
  }

  async #look(): Promise<void> {
    this.#isLooking = true
    this.#lookedAt = performance.now()
    const isForAll = this.#lookedAt - this.#askedAt >= pausesEveryMs
    if (isForAll) this.#askedAt = this.#lookedAt
    const some = [...this.#resters].filter((rester) => rester.isResting || (isForAll && rester.lastId === undefined))
    if (this.#parts.link.isUp) await Promise.all(this.#together(some).map((few) => this.#lookFor(few)))
    this.#isLooking = false
    this.hasten()
  }

  #together(resters: readonly Rester[]): readonly (readonly Rester[])[] {
    const now = performance.now()
    const bySlot = new Map<unknown, Rester[]>()
    for (const rester of resters) {
      const isAlone = (this.#aloneUntil.get(rester) ?? 0) > now
      const slot = isAlone ? rester : this.#parts.link.isCluster ? rester.place.keys.stream : ''
      const some = bySlot.get(slot)
      if (some === undefined) bySlot.set(slot, [rester])
      else some.push(rester)
    }
    const groups: Rester[][] = []
    for (const some of bySlot.values()) {
      for (let at = 0; at < some.length; at += maxTogether) groups.push(some.slice(at, at + maxTogether))
    }
    return groups
  }

  async #lookFor(resters: readonly Rester[]): Promise<void> {
    try {
      const found = await this.#run(resters)
      if (resters[0] !== undefined && resters.length === 1) this.#aloneUntil.delete(resters[0])
      resters.forEach((rester, index) => {
        const what = foundBy[found[index] as number]
        if (what === 'pause') rester.onPause?.()
        else if (what !== undefined && rester.isResting) rester.onFound(what)
      })
    } catch (error) {
      if (!(error instanceof CommandError) || error.kind !== 'refused' || willPass(error)) return
      const [first] = resters
      // A round of its own reports the error.
      if (resters.length === 1) return first?.onFound('work')
      for (const rester of resters) this.#aloneUntil.set(rester, performance.now() + aloneMs)
      await Promise.all(resters.map((rester) => this.#lookFor([rester])))
    }
  }

  async #run(resters: readonly Rester[]): Promise<readonly number[]> {
    const keys = resters.flatMap(({ place }) => {
      const { stream, retry, due, delayed, lanes, waiting, paused } = place.keys
      return [stream, retry, due, delayed, lanes, waiting, paused]
    })
    const readers = resters.map(({ place, lastId, isResting, isPaused }) => {
      if (lastId !== undefined) return `=${lastId}`
      return `${isPaused ? '!' : isResting ? '' : '?'}${place.consumerGroup}`
    })
    const { link, settings } = this.#parts
    const args = [settings.visibilityMs, presencePrefix(settings.prefix), ...readers]
    return (await link.run(lookScript, keys, args)) as readonly number[]
  }
}
