import type { Owned } from '../wire/reply.js'

/** What one answer should bring at most: on a slow link its messages must be here long before their claims are over. */
const answerBytes = 256 * 1024
/** Until there is experience. */
const firstBytes = 128 * 1024
/** Of how large they were, with each answer that brings smaller ones. */
const decay = 0.5

/** How many messages to ask for at a time, by how large they were lately. */
export function createPortions() {
  let usual = firstBytes

  return {
    of: (free: number): number => Math.max(1, Math.min(free, Math.floor(answerBytes / usual))),
    learn(owned: readonly Owned[]): void {
      if (owned.length === 0) return
      let largest = 1
      for (const { entry } of owned) largest = Math.max(largest, entry.message.body.byteLength)
      usual = Math.max(largest, usual * decay)
    },
  }
}
