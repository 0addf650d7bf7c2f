let lastMade = { ms: Number.NaN, text: '' }
let lastRead = { text: '', ms: Number.NaN }

/** RFC 3339. Many messages are published within a millisecond, and the text takes longer than the rest of the envelope. */
export function timeText(ms: number): string {
  if (ms !== lastMade.ms) lastMade = { ms, text: new Date(ms).toISOString() }
  return lastMade.text
}

/** The reverse, in milliseconds since 1970; NaN for what is no time. Messages that come together mostly have one time. */
export function timeMs(text: string): number {
  if (text !== lastRead.text) lastRead = { text, ms: Date.parse(text) }
  return lastRead.ms
}
