import { MqError } from '../contract/errors.js'
import { describeError, type FailureError } from '../contract/failure.js'
import { decodeData, encodeData } from '../wire/codec.js'

/** A task's error as it crosses to whoever asked: its parts as text. No class of another process is ever brought back. */
export interface TaskFailure extends FailureError {
  /** Runs that failed, the last one included. 0 if none was ever begun. */
  readonly attempts: number
}

/** How a task has ended. */
export type FinishedTask<Result = unknown> =
  | { readonly status: 'completed'; readonly id: string; readonly task: string; readonly result: Result }
  | { readonly status: 'failed'; readonly id: string; readonly task: string; readonly error: TaskFailure }
  | { readonly status: 'cancelled'; readonly id: string }

/** Throws `MQ_NOT_SERIALIZABLE`, which names the place, for a result that JSON cannot hold. `undefined` is a result too. */
export function encodeFinished(outcome: FinishedTask): string {
  // Bytes as a whole are data of their own for a message, but here they are a part of an object.
  return Buffer.from(encodeData(outcome).body).toString()
}

/** Undefined for any other text. */
export function decodeFinished(text: string | undefined): FinishedTask | undefined {
  if (text === undefined) return undefined
  try {
    return finishedTaskOf(decodeData(Buffer.from(text), 'application/json'))
  } catch {
    return undefined
  }
}

export function finishedTaskOf(value: unknown): FinishedTask | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { status, id, task, result, error } = value as Record<string, unknown>
  if (typeof id !== 'string') return undefined
  if (status === 'cancelled') return { status, id }
  if (typeof task !== 'string') return undefined
  if (status === 'completed') return { status, id, task, result }
  if (status !== 'failed' || typeof error !== 'object' || error === null) return undefined
  const { attempts } = error as { attempts?: unknown }
  return {
    status,
    id,
    task,
    error: { ...describeError(error), attempts: Number.isFinite(attempts) ? Number(attempts) : 0 },
  }
}

/** What the asker of a task gets that did not complete. */
export function finishedError(outcome: FinishedTask): MqError | undefined {
  if (outcome.status === 'completed') return undefined
  if (outcome.status === 'cancelled') return new MqError('MQ_TASK_CANCELLED', `The task ${outcome.id} was cancelled`)
  const { task, error } = outcome
  const times = error.attempts === 1 ? 'one attempt' : `${error.attempts} attempts`
  const text = `The task '${task}' failed after ${times}: ${error.message}`
  return new MqError('MQ_TASK_FAILED', text, { failure: error })
}
