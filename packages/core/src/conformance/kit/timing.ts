import assert from 'node:assert/strict'
import type { Capabilities } from '../../index.js'
import type { Run } from './collector.js'
import type { Kit } from './kit.js'

/** The longest delay that cases wait for. */
const longestDelayMs = 10_000

/** A check for `unless`: no case with delays applies to a broker without such delays. */
export const withoutDelays = ({ maxDelayMs }: Capabilities): string | undefined =>
  maxDelayMs < longestDelayMs ? `it delays by at most ${maxDelayMs} ms` : undefined

/** Returns a timeout for a number of consecutive delays on a slow broker and a busy machine. */
export const patience = (kit: Kit, totalMs: number, delays = 1): { readonly timeoutMs: number } => ({
  timeoutMs: totalMs + delays * kit.capabilities.delayResolutionMs + 15_000 * kit.patience,
})

/** Returns the times between the end of each run and the start of the next, in milliseconds. */
export function gapsOf(runs: readonly Run[]): readonly number[] {
  return runs.slice(1).map((run, index) => run.startedAt - (runs[index]?.endedAt ?? Number.NaN))
}

export const runsOf = (runs: readonly Run[], id: string): readonly Run[] => runs.filter((run) => run.id === id)

export const attemptsOf = (runs: readonly Run[], id?: string): readonly number[] =>
  (id === undefined ? runs : runsOf(runs, id)).map(({ attempt }) => attempt)

/** Checks that no wait was shorter than requested, to the millisecond. */
export function assertNeverEarly(waitedMs: readonly number[], askedMs: readonly number[]): void {
  for (const [index, waited] of waitedMs.entries()) {
    const asked = askedMs[index] ?? 0
    // `>=` also rejects NaN.
    assert.ok(waited >= asked, `wait ${index + 1} took ${waited} ms, at least ${asked} ms were requested`)
  }
}

/** The time of a message without a delay on a busy machine, usually and at worst. */
const usualMs = 250
const hiccupMs = 1_000

/**
 * Checks the median and the maximum. Only for cases that run `alone`: a single message may meet a pause of the machine.
 */
export function assertPunctual(latenessMs: readonly number[], { delayResolutionMs }: Capabilities): void {
  const ascending = [...latenessMs].sort((one, other) => one - other)
  const median = ascending[Math.floor(ascending.length / 2)] ?? Number.NaN
  const max = ascending.at(-1) ?? Number.NaN
  const seen = `late by ${ascending.join(', ')} ms, with a resolution of ${delayResolutionMs} ms`
  assert.ok(median <= delayResolutionMs + usualMs, seen)
  assert.ok(max <= delayResolutionMs + hiccupMs, seen)
}
