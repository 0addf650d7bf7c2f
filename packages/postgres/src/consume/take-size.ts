import type { Claimed } from './runs.js'

const firstMax = 10
const maxMessages = 200
/** How many bytes of bodies one statement should bring. */
const wantedBytes = 4 * 1024 * 1024

/** Says how many messages to take at once, so that large ones do not fill the memory. */
export class TakeSize {
  #max = firstMax

  get max(): number {
    return this.#max
  }

  note(claimed: readonly Claimed[]): void {
    if (claimed.length === 0) return
    const bytes = claimed.reduce((sum, { message }) => sum + message.body.byteLength, 0)
    const fitting = Math.max(1, Math.floor(wantedBytes / Math.max(1, bytes / claimed.length)))
    const grown = claimed.length === this.#max ? 2 * this.#max : this.#max
    this.#max = Math.min(maxMessages, fitting, grown)
  }
}
