import type { ReplayRate } from '@mq/core'
import { usageFailure } from '../exit-codes.js'

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Reads a duration such as `500ms`, `5s`, `1.5h` or `2d`. Returns undefined for any other text. */
export function durationMs(text: string): number | undefined {
  const [, amount, unit] = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text) ?? []
  return amount === undefined || unit === undefined ? undefined : Math.round(Number(amount) * (unitsMs[unit] as number))
}

export function requireDuration(text: string, option: string): number {
  const ms = durationMs(text)
  if (ms === undefined) throw usageFailure(`${option} is a duration such as 500ms, 5s, 10m, 2h or 1d`)
  return ms
}

/** Reads `50`, `50/s`, `1000/m` or `10/h`. */
export function requireRate(text: string): ReplayRate {
  const [, amount, unit = 's'] = /^([1-9]\d{0,5})(?:\/(s|m|h))?$/.exec(text) ?? []
  if (amount === undefined) throw usageFailure('--rate is a number a second, or such as 50/s, 600/m or 10/h')
  return { messages: Number(amount), perMs: unitsMs[unit] as number }
}

export function requireCount(text: string, option: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw usageFailure(`${option} is a whole number from 1`)
  return Number(text)
}
