let lastMade = { ms: Number.NaN, text: '' }
let lastRead = { text: '', ms: Number.NaN }

/** The years 0 to 9999: RFC 3339 has four digits for one. */
const leastMs = Date.parse('0000-01-01T00:00:00.000Z')
const mostMs = Date.parse('9999-12-31T23:59:59.999Z')

/**
 * RFC 3339. Never throws: what a broker says of other programs' messages may be no date at all, and the nearest one still shows
 * on which side it lies. Many messages are published within a millisecond, and the text takes longer than the rest of the envelope.
 */
export function timeText(ms: number): string {
  if (ms !== lastMade.ms) lastMade = { ms, text: new Date(nearest(ms)).toISOString() }
  return lastMade.text
}

/** The reverse, in milliseconds since 1970; NaN for what is no time. Messages that come together mostly have one time. */
export function timeMs(text: string): number {
  if (text !== lastRead.text) lastRead = { text, ms: Date.parse(text) }
  return lastRead.ms
}

const nearest = (ms: number): number => (Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, leastMs), mostMs))
