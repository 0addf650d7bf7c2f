import { MqError } from '../contract/errors.js'
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

/**
 * Makes the error for a topic that was just created, while something with the topic's plain name was there before. Whoever subscribes to
 * it may have meant the latter. `ours` is what the broker calls the topic of this library.
 */
export const namesakeError = (topic: string, ours: string): MqError => {
  const text = `'${topic}' was subscribed to for the first time, and this library stores it as '${ours}'`
  const other = `What the broker itself calls '${topic}' is not read`
  return new MqError('MQ_OPERATION_FAILED', `${text}. ${other}; for that, use defineForeignTopic with at: '${topic}'`)
}
