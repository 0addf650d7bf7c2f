import type { Link } from '../connection/link.js'
import type { GroupPlace } from '../wire/keys.js'
import { tidyScript } from '../wire/scripts/tidy.js'
import { presentMs } from './claims.js'
import type { Upkeep } from './loop.js'

export interface UpkeepParts {
  readonly place: GroupPlace
  /** The name of the consumer at the broker. */
  readonly name: string
  readonly visibilityMs: number
  readonly link: Link
  readonly ordered: boolean
}

const everyMs = 10_000
/** A lane whose message has no owner holds up its key. */
const orderedEveryMs = 1_000

/** Tidies up after a group. */
export class GroupUpkeep implements Upkeep {
  dueAt: number
  /** When a consumer at rest has something to do. An ordered one learns if there are lanes. */
  restUntil: number
  readonly #parts: UpkeepParts

  constructor(parts: UpkeepParts) {
    this.#parts = parts
    this.dueAt = performance.now() + orderedEveryMs
    this.restUntil = this.dueAt
  }

  /** Lanes may have to be freed. */
  noteLanes(): void {
    this.restUntil = this.dueAt
  }

  async run(steps: string[]): Promise<void> {
    const { place, name, visibilityMs, link, ordered } = this.#parts
    const { stream, retry, lanes, waiting, open, gate, consumers, started } = place.keys
    const now = performance.now()
    this.dueAt = now + (ordered ? orderedEveryMs : everyMs)
    this.restUntil = now + everyMs
    steps.push('tidying')
    const keys = [stream, retry, lanes, waiting, open, gate, consumers, started]
    await link.run(tidyScript, keys, [place.consumerGroup, name, presentMs(visibilityMs)])
  }
}
