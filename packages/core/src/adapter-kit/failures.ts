import type { Failure } from '../contract/failure.js'

/** Describes why a dead letter is there if nothing at the broker says so: another program put it there. `atMs`: since 1970. */
export const unknownFailure = (atMs: number): Failure => ({
  reason: 'broker',
  error: { name: 'Error', message: 'The dead letter does not say why it is here' },
  attempts: 0,
  firstFailedAt: atMs,
  failedAt: atMs,
})
