import assert from 'node:assert/strict'
import type { Capabilities } from '../../index.js'
import type { Run } from './collector.js'
import type { Kit } from './kit.js'

/** What the cases ask for at most, where they mean to wait for it. */
const longestDelayMs = 10_000

/** For `unless`: a broker that knows no such delays is held against none. */
export const withoutDelays = ({ maxDelayMs }: Capabilities): string | undefined =>
  maxDelayMs < longestDelayMs ? `it delays by at most ${maxDelayMs} ms` : undefined

/** For what comes after so many delays, one after the other, on a slow broker and a busy machine. */
export const patience = ({ capabilities }: Kit, totalMs: number, delays = 1): { readonly timeoutMs: number } => ({
  timeoutMs: totalMs + delays * capabilities.delayResolutionMs + 15_000,
})

/** Between the end of each run and the start of the next one of the same message, in milliseconds. */
export function gapsOf(runs: readonly Run[]): readonly number[] {
  return runs.slice(1).map((run, index) => run.startedAt - (runs[index]?.endedAt ?? Number.NaN))
}

export const runsOf = (runs: readonly Run[], id: string): readonly Run[] => runs.filter((run) => run.id === id)

export const attemptsOf = (runs: readonly Run[], id?: string): readonly number[] =>
  (id === undefined ? runs : runsOf(runs, id)).map(({ attempt }) => attempt)

/** Waiting times against what was asked for, to the millisecond. */
export function assertNeverEarly(waitedMs: readonly number[], askedMs: readonly number[]): void {
  for (const [index, waited] of waitedMs.entries()) {
    const asked = askedMs[index] ?? 0
    // Not `<`: NaN is wrong too.
    assert.ok(waited >= asked, `number ${index + 1} came after ${waited} ms, asked for were ${asked}`)
  }
}

/** What a message takes that is not delayed, on a machine that does other things too. */
const usualMs = 250
const hiccupMs = 1_000

/** Only for cases that are `alone`. One of them may meet a hiccup of the machine; most may not. */
export function assertPunctual(latenessMs: readonly number[], { delayResolutionMs }: Capabilities): void {
  const ascending = [...latenessMs].sort((one, other) => one - other)
  const median = ascending[Math.floor(ascending.length / 2)] ?? Number.NaN
  const most = ascending.at(-1) ?? Number.NaN
  const seen = `late by ${ascending.join(', ')} ms, with a resolution of ${delayResolutionMs} ms`
  assert.ok(median <= delayResolutionMs + usualMs, seen)
  assert.ok(most <= delayResolutionMs + hiccupMs, seen)
}
