import type { Failure } from '../contract/failure.js'

/**
 * Makes the failure of a dead letter that does not say why it is there, because another program put it there. `atMs` is in milliseconds
 * since 1970.
 */
export const unknownFailure = (atMs: number): Failure => ({
  reason: 'broker',
  error: { name: 'Error', message: 'The dead letter does not say why it is here' },
  attempts: 0,
  firstFailedAt: atMs,
  failedAt: atMs,
})
