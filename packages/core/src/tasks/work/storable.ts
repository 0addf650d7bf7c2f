import { isMqError } from '../../contract/errors.js'
import { describeError } from '../../contract/failure.js'
import { unrecoverable } from '../../contract/retry-errors.js'
import { encodeFinished, type FinishedTask } from '../finished-task.js'

/** Runs `work`. A result that cannot be sent now cannot be sent later, so its error makes the failure final. */
export async function failForGoodIfUnserializable(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (isMqError(error, 'MQ_NOT_SERIALIZABLE') || isMqError(error, 'MQ_MESSAGE_TOO_LARGE')) throw unrecoverable(error)
    throw error
  }
}

/**
 * Returns the finished task as a store can keep it. If its result cannot be encoded, the store gets the reason instead. The task has not
 * failed, because nobody waits for the result.
 */
export function storableFinished(finished: FinishedTask): FinishedTask {
  try {
    encodeFinished(finished)
    return finished
  } catch (error) {
    const task = 'task' in finished ? finished.task : ''
    return { status: 'failed', id: finished.id, task, failure: { ...describeError(error), attempts: 0 } }
  }
}
