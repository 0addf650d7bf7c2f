let lastMade = { ms: Number.NaN, text: '' }
let lastRead = { text: '', ms: Number.NaN }

/** RFC 3339 has four digits for the year. */
const minMs = Date.parse('0000-01-01T00:00:00.000Z')
const maxMs = Date.parse('9999-12-31T23:59:59.999Z')

/**
 * Writes a time as RFC 3339. Never throws: times out of range are clamped to the years 0 to 9999, because brokers report arbitrary
 * numbers for foreign messages. The last text is cached: many messages are published within a millisecond, and writing the text takes
 * longer than the rest of the envelope.
 */
export function timeText(ms: number): string {
  if (ms !== lastMade.ms) lastMade = { ms, text: new Date(nearest(ms)).toISOString() }
  return lastMade.text
}

/**
 * Reads a time, in milliseconds since 1970. Returns NaN if the text is not a time. The last result is cached, because consecutive
 * messages usually share a timestamp.
 */
export function timeMs(text: string): number {
  if (text !== lastRead.text) lastRead = { text, ms: Date.parse(text) }
  return lastRead.ms
}

const nearest = (ms: number): number => (Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, minMs), maxMs))
