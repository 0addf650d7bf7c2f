/**
 * - `plain`: handled at once.
 * - `flaky`: fails once, so that it goes through what holds retries.
 * - `delayed`: goes through what holds delays.
 * - `doomed`: is a dead letter, until it was replayed.
 */
export type CanaryKind = 'plain' | 'flaky' | 'delayed' | 'doomed'

/** A well-formed message of ours, published while others are not. */
export interface Canary {
  readonly id: string
  readonly kind: CanaryKind
}

export const canaryDelayMs = 150

const kinds: readonly CanaryKind[] = ['plain', 'plain', 'flaky', 'plain', 'delayed', 'plain', 'doomed', 'plain']

let made = 0

/** So many, of all kinds. No two of a process have one id. */
export function canaries(count: number, salt: string): readonly Canary[] {
  return Array.from({ length: count }, (_, index) => {
    made += 1
    return { id: `canary-${salt}-${made}`, kind: kinds[index % kinds.length] ?? 'plain' }
  })
}

export const isCanaryId = (id: string): boolean => id.startsWith('canary-')

/** The attempts that its runs have when nothing went wrong. */
export const expectedAttempts = (kind: CanaryKind): readonly number[] => (kind === 'flaky' ? [1, 2] : [1])
