// See docs/decisions/0031-rabbitmq-delays.md.

/** The smallest step of a delay. */
const unitMs = 100

/** The number of values of each digit, the lowest digit first. No time to live exceeds the 32 bits that brokers have for it. */
const values = [64, 16, 16, 16, 16, 8, 2] as const

/** The number of digits of a delay. */
export const digits = values.length

/** The delays of a burst use a lane of their own, so that those of others do not wait behind them. */
export type Lane = 'calm' | 'bulk'

/** A delay queue: its messages wait for the time that a digit has with this value, so they expire in the order in which they came. */
export interface DelayStep {
  readonly lane: Lane
  /** 0 is the lowest. */
  readonly digit: number
  readonly value: number
}

/** The delay queues that a message passes through, the longest first. */
export type DelayPath = readonly [DelayStep, ...DelayStep[]]

export interface DelayRoute {
  readonly path: DelayPath
  /** One word per digit, the highest first, then the destination as a single word. At most 219 bytes. */
  readonly routingKey: string
}

const weightOf = (digit: number): number =>
  values.slice(0, digit).reduce((product: number, count) => product * count, 1)

const weights = values.map((_, digit) => weightOf(digit))

const maxUnits = weightOf(digits) - 1

/** 77 days. */
export const maxDelayMs = maxUnits * unitMs

/** Returns the time to live in a delay queue. */
export const stepMs = ({ digit, value }: DelayStep): number => (weights[digit] as number) * value * unitMs

const stepsOf = (lane: Lane): readonly (readonly DelayStep[])[] =>
  values.map((count, digit) => Array.from({ length: count }, (_, value) => ({ lane, digit, value })))

/** Each step is one object, so that it can be looked up by identity. */
const steps = { calm: stepsOf('calm'), bulk: stepsOf('bulk') } satisfies Record<Lane, unknown>

/** Rounds a delay up to the next 100 ms, so that no message is early. */
export function delayRoute(delayMs: number, destination: string, lane: Lane): DelayRoute {
  let rest = Math.min(maxUnits, Math.max(1, Math.ceil(delayMs / unitMs)))
  const words: number[] = []
  const path: DelayStep[] = []
  for (let digit = digits - 1; digit >= 0; digit--) {
    const weight = weights[digit] as number
    const value = Math.floor(rest / weight)
    rest -= value * weight
    words.push(value)
    if (value > 0) path.push(steps[lane][digit]?.[value] as DelayStep)
  }
  return { path: path as unknown as DelayPath, routingKey: `${words.join('.')}.${singleWord(destination)}` }
}

/** Returns the route through one delay queue alone. */
export const routeThrough = (step: DelayStep, destination: string): DelayRoute =>
  delayRoute(stepMs(step), destination, step.lane)

/** Matches routing keys in which this digit has this value. */
export const valuePattern = (digit: number, value: number): string => `${'*.'.repeat(digits - 1 - digit)}${value}.#`

/** Matches routing keys to this destination, with any digits. A `#` in front of it would make the broker try every place. */
export const destinationPattern = (destination: string): string => `${'*.'.repeat(digits)}${singleWord(destination)}`

/** Matches routing keys to this destination in the delay queues of the first version. */
export const firstDestinationPattern = (destination: string): string => `#.${singleWord(destination)}`

/** Topic exchanges split a key at its dots. No name contains a slash. */
const singleWord = (destination: string): string => destination.replaceAll('.', '/')
