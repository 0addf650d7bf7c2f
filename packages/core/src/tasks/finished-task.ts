import { MqError } from '../contract/errors.js'
import { describeError, type TaskFailure } from '../contract/failure.js'
import { decodeData, encodeData } from '../wire/codec.js'

/** How a task has ended. */
export type FinishedTask<Result = unknown> =
  | { readonly status: 'completed'; readonly id: string; readonly task: string; readonly result: Result }
  | { readonly status: 'failed'; readonly id: string; readonly task: string; readonly failure: TaskFailure }
  | { readonly status: 'cancelled'; readonly id: string }

/**
 * Encodes how a task has ended as JSON. Throws `MQ_NOT_SERIALIZABLE`, which names the place, if JSON cannot hold the result. A result may be
 * `undefined`.
 */
export function encodeFinished(finished: FinishedTask): string {
  // A result of bytes is refused here, although a message could hold it: it is a part of an object.
  return Buffer.from(encodeData(finished).body).toString()
}

/** Returns undefined if the text is not what `encodeFinished` wrote. */
export function decodeFinished(text: string | undefined): FinishedTask | undefined {
  if (text === undefined) return undefined
  try {
    return finishedTaskOf(decodeData(Buffer.from(text), 'application/json'))
  } catch {
    return undefined
  }
}

/** Returns undefined if the value does not say how a task has ended. */
export function finishedTaskOf(value: unknown): FinishedTask | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { status, id, task, result, failure } = value as Record<string, unknown>
  if (typeof id !== 'string') return undefined
  if (status === 'cancelled') return { status, id }
  if (typeof task !== 'string') return undefined
  if (status === 'completed') return { status, id, task, result }
  if (status !== 'failed' || typeof failure !== 'object' || failure === null) return undefined
  const { attempts } = failure as { attempts?: unknown }
  return {
    status,
    id,
    task,
    failure: {
      ...describeError(failure),
      attempts: Number.isSafeInteger(attempts) && Number(attempts) >= 0 ? Number(attempts) : 0,
    },
  }
}

/** Returns the error for the caller of a task that did not complete. */
export function finishedError(finished: FinishedTask): MqError | undefined {
  if (finished.status === 'completed') return undefined
  if (finished.status === 'cancelled') return new MqError('MQ_TASK_CANCELLED', `The task ${finished.id} was cancelled`)
  const { task, failure } = finished
  const times = failure.attempts === 1 ? 'one attempt' : `${failure.attempts} attempts`
  const text = `The task '${task}' failed after ${times}: ${failure.message}`
  return new MqError('MQ_TASK_FAILED', text, { failure })
}
