/** What the shortest delay queue holds a message for. */
const unitMs = 100

/**
 * Each level is a queue with one fixed time to live, 100 ms doubled level by level, so that nothing in it overtakes anything
 * and nothing is held up. A delay is the sum of the levels whose bit is set.
 */
export const levels = 26

/** 77 days. */
export const maxDelayMs = (2 ** levels - 1) * unitMs

export const levelMs = (level: number): number => 2 ** level * unitMs

export interface DelayRoute {
  /** The level where the message enters: the highest bit. It needs this one and all below. */
  readonly level: number
  /** One word per bit, the highest first, then the destination as a single word. At most 252 bytes. */
  readonly routingKey: string
}

/** Rounded up to the next 100 ms, so that nothing is early. */
export function delayRoute(delayMs: number, destination: string): DelayRoute {
  const units = Math.min(2 ** levels - 1, Math.max(1, Math.ceil(delayMs / unitMs)))
  const bits = units.toString(2).padStart(levels, '0')
  return { level: levels - 1 - bits.indexOf('1'), routingKey: `${[...bits].join('.')}.${word(destination)}` }
}

/** Matches keys whose bit of that level is `bit`. */
export const bitPattern = (level: number, bit: '0' | '1'): string => `${'*.'.repeat(levels - 1 - level)}${bit}.#`

/** Matches keys of that destination, whatever their bits. */
export const destinationPattern = (destination: string): string => `#.${word(destination)}`

/** Topic exchanges take a key apart at its dots; no name contains a slash. */
const word = (destination: string): string => destination.replaceAll('.', '/')
