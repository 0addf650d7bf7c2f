import { MqError } from '../../contract/errors.js'
import { describeWithStack } from '../../contract/failure.js'
import type { Queue } from '../../contract/queue.js'
import { encodeData } from '../../wire/codec.js'
import { encodeFinished, type FinishedTask } from '../finished-task.js'
import type { ProgressStep } from '../progress.js'
import { repliesTopic, replyExtensions } from '../wire.js'

/** How long the broker may take to store a reply. After that it is given up: the caller has a time limit, or a store to check. */
const sendTimeoutMs = 5_000
/** Room for the id and for the broker's own data around the body. */
const roomBytes = 1_024

/**
 * Creates the sender of replies to the callers of tasks. Sending never rejects, because no task should fail if its caller cannot be reached.
 */
export function createReplySender(queue: Queue) {
  async function send(replyTo: string, text: string): Promise<void> {
    try {
      // Sent as bytes, so that other callers can ignore it without decoding.
      const extensions = replyExtensions(replyTo)
      await queue.publish(repliesTopic, Buffer.from(text), { extensions, timeoutMs: sendTimeoutMs })
    } catch (error) {
      queue.log.warn('A reply to the caller of a task could not be sent', { error: describeWithStack(error) })
    }
  }

  const progress = (replyTo: string, id: string, step: ProgressStep): Promise<void> =>
    send(replyTo, textOf({ status: 'progress', id, step }))
  const limit = queue.capabilities.maxMessageBytes - roomBytes

  return {
    progress,
    /** Sends how the task has ended, together with its last step of progress. The step travels separately if both are too large. */
    async finished(replyTo: string, finished: FinishedTask, step: ProgressStep | undefined): Promise<void> {
      const text = step === undefined ? undefined : textOf({ ...finished, step })
      if (text !== undefined && Buffer.byteLength(text) <= limit) return send(replyTo, text)
      if (step !== undefined) await progress(replyTo, finished.id, step)
      await send(replyTo, encodeFinished(finished))
    },
    /** Throws `MQ_NOT_SERIALIZABLE` or `MQ_MESSAGE_TOO_LARGE` if the result cannot be sent. */
    requireSendable(finished: FinishedTask): void {
      const bytes = Buffer.byteLength(encodeFinished(finished))
      if (bytes <= limit) return
      const text = `The result has ${bytes} bytes; a reply over ${queue.type} takes at most ${limit}`
      throw new MqError('MQ_MESSAGE_TOO_LARGE', text)
    },
  }
}

const textOf = (reply: object): string => Buffer.from(encodeData(reply).body).toString()

export type ReplySender = ReturnType<typeof createReplySender>
