import type { ConformanceCase } from '../kit/case.js'

/**
 * Says beside what a case runs: on one broker with others, on a broker of its own while others run elsewhere, or with nothing else in the
 * whole process.
 */
export type Lane = 'shared' | 'apart' | 'process'

export function laneOf({ alone }: ConformanceCase): Lane {
  if (alone === undefined) return 'shared'
  return alone === 'process' ? 'process' : 'apart'
}
