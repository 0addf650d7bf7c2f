import type { OwnedEntry } from '../../wire/entry.js'

/** How much one answer should bring at first, so that its messages arrive long before their claims end, even over a slow link. */
const firstAnswerBytes = 256 * 1024
/** How much it should bring at most over a fast one. A large part of what may be on its way would make other consumers wait. */
const maxAnswerBytes = 2 * 1024 * 1024
/** A full answer that took less than this may be twice as large the next time. */
const quickMs = 100
/** After one that took longer than this, answers are small again. */
const slowMs = 500
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
 * It begins with two messages, and needs six answers until a hundred small ones come at a time. Large ones come one at a time, until some
 * answers were quick. A single message that takes longer than `visibilityMs` cannot be consumed.
 */
export function createPortions() {
  let answerBytes = firstAnswerBytes
  let assumedBytes = firstBytes

  return {
    /** How large an answer with so many messages is taken to be. */
    bytes: (count: number): number => count * assumedBytes,
    next: (free: number): number => Math.max(1, Math.min(free, Math.floor(answerBytes / assumedBytes))),
    /** Learns from an answer, and from how long it took if nothing but the link and Redis had a part in that. */
    learn(owned: readonly OwnedEntry[], tookMs?: number): void {
      if (owned.length === 0) return
      let [largest, bytes] = [1, 0]
      for (const { entry } of owned) {
        largest = Math.max(largest, entry.bytes)
        bytes += entry.bytes
      }
      assumedBytes = Math.max(largest, assumedBytes * decay)
      if (tookMs === undefined) return
      if (tookMs > slowMs) answerBytes = firstAnswerBytes
      // An answer that brought much less says little about a larger one.
      else if (tookMs < quickMs && bytes > answerBytes / 2) answerBytes = Math.min(2 * answerBytes, maxAnswerBytes)
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
