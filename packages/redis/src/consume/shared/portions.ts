import type { OwnedEntry } from '../../wire/entry.js'

/** How much one answer should bring at most, so that its messages arrive long before their claims end, even over a slow link. */
const maxAnswerBytes = 256 * 1024
/** The assumed size of a message before the first one has arrived. */
const firstBytes = 128 * 1024
/** How much of the assumed size is left after an answer with smaller messages. */
const decay = 0.5

export type Portions = ReturnType<typeof createPortions>

/**
 * Decides how many messages of a topic to ask for at a time.
 *
 * A claim holds from the moment in which Redis sends the message, and it is renewed only once the message has arrived. If an answer took
 * longer than `visibilityMs`, its claims would be over on arrival, and so would those of the next try. XREADGROUP counts messages, not
 * bytes. The number therefore follows from their size: the largest one of the last answer, or half of what was assumed before.
 *
 * It begins with two messages, and needs six answers until a hundred small ones come at a time. Large ones come one at a time. A single
 * message that takes longer than `visibilityMs` cannot be consumed.
 */
export function createPortions() {
  let assumedBytes = firstBytes

  return {
    /** How large an answer with so many messages is taken to be. */
    bytes: (count: number): number => count * assumedBytes,
    next: (free: number): number => Math.max(1, Math.min(free, Math.floor(maxAnswerBytes / assumedBytes))),
    learn(owned: readonly OwnedEntry[]): void {
      if (owned.length === 0) return
      let largest = 1
      for (const { entry } of owned) largest = Math.max(largest, entry.bytes)
      assumedBytes = Math.max(largest, assumedBytes * decay)
    },
  }
}

/** How many bytes may be on their way to this process over one connection. */
const maxBytesOnTheWay = 4 * 1024 * 1024

/**
 * Limits what consumers ask for over one connection at a time. Without a limit, the last of many answers would come long after Redis has
 * sent it, and its claims would be over on arrival.
 */
export class AnswerBytes {
  readonly #waiting: { readonly bytes: number; readonly begin: () => void }[] = []
  #bytes = 0

  /** Runs work that brings about so many bytes, in order, once there is room for them. */
  async use<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    if (this.#waiting.length > 0 || !this.#hasRoom(bytes)) {
      await new Promise<void>((begin) => this.#waiting.push({ bytes, begin }))
    } else this.#bytes += bytes
    try {
      return await work()
    } finally {
      this.#bytes -= bytes
      this.#beginNext()
    }
  }

  #hasRoom(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= maxBytesOnTheWay
  }

  #beginNext(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#hasRoom(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift()
      this.#bytes += next.bytes
      next.begin()
    }
  }
}
