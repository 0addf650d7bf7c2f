// See docs/decisions/0031-rabbitmq-delays.md.

/** The time to live in the shortest delay queue. */
const unitMs = 100

/**
 * The number of delay queues. Each has one fixed time to live, from 100 ms doubled level by level, so its messages expire in the
 * order in which they came. A delay is the sum of the levels whose bit is set.
 */
export const levels = 26

/** 77 days. */
export const maxDelayMs = (2 ** levels - 1) * unitMs

export const levelMs = (level: number): number => 2 ** level * unitMs

export interface DelayRoute {
  /** The level of the highest set bit, where the message enters. The route needs this level and all below it. */
  readonly level: number
  /** One word per bit, the highest first, then the destination as a single word. At most 252 bytes. */
  readonly routingKey: string
}

/** Rounds a delay up to the next 100 ms, so that no message is early. */
export function delayRoute(delayMs: number, destination: string): DelayRoute {
  const units = Math.min(2 ** levels - 1, Math.max(1, Math.ceil(delayMs / unitMs)))
  const bits = units.toString(2).padStart(levels, '0')
  return { level: levels - 1 - bits.indexOf('1'), routingKey: `${[...bits].join('.')}.${singleWord(destination)}` }
}

/** Matches routing keys whose bit of this level is `bit`. */
export const bitPattern = (level: number, bit: '0' | '1'): string => `${'*.'.repeat(levels - 1 - level)}${bit}.#`

/** Matches routing keys to this destination, with any bits. */
export const destinationPattern = (destination: string): string => `#.${singleWord(destination)}`

/** Topic exchanges split a key at its dots. No name contains a slash. */
const singleWord = (destination: string): string => destination.replaceAll('.', '/')
