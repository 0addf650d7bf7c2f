import type { OwnedEntry } from '../wire/entry.js'

/** How much one answer should bring at most, so that its messages arrive long before their claims end, even over a slow link. */
const maxAnswerBytes = 256 * 1024
/** The assumed size of a message before the first one has arrived. */
const firstBytes = 128 * 1024
/** How much of the assumed size is left after an answer with smaller messages. */
const decay = 0.5

/**
 * Decides how many messages to ask for at a time.
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
    next: (free: number): number => Math.max(1, Math.min(free, Math.floor(maxAnswerBytes / assumedBytes))),
    learn(owned: readonly OwnedEntry[]): void {
      if (owned.length === 0) return
      let largest = 1
      for (const { entry } of owned) largest = Math.max(largest, entry.bytes)
      assumedBytes = Math.max(largest, assumedBytes * decay)
    },
  }
}
