import assert from 'node:assert/strict'
import { isMqError } from '../../index.js'

/** Throws unless the call is refused with a `TypeError` or `MQ_INVALID_OPTION`. */
export async function refused(call: () => Promise<unknown>): Promise<void> {
  const error = await call().then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(
    error instanceof TypeError || isMqError(error, 'MQ_INVALID_OPTION'),
    `expected a refusal with a TypeError or MQ_INVALID_OPTION, found ${String(error)}`,
  )
}
