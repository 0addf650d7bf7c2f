import { MqError } from '../../contract/errors.js'
import type { Queue } from '../../contract/queue.js'
import { encodeData } from '../../wire/codec.js'
import { encodeFinished, type FinishedTask } from '../finished-task.js'
import type { ProgressStep } from '../progress.js'
import { repliesTopic, replyExtensions } from '../wire.js'

/** A reply that the broker does not take in this time is given up: the asker has a deadline, or a store to ask. */
const sendTimeoutMs = 5_000
/** The id, and what a broker writes around the body. */
const roomBytes = 1_024

/** Sends to askers what becomes of their tasks. Nothing here rejects: no task fails because somebody cannot be told. */
export function createReplySender(queue: Queue) {
  async function send(replyTo: string, text: string): Promise<void> {
    try {
      // Bytes: who is not meant passes over them without decoding.
      const extensions = replyExtensions(replyTo)
      await queue.publish(repliesTopic, Buffer.from(text), { extensions, timeoutMs: sendTimeoutMs })
    } catch (error) {
      queue.log.warn('A reply to whoever asked for a task could not be sent', { error })
    }
  }

  const progress = (replyTo: string, id: string, step: ProgressStep): Promise<void> =>
    send(replyTo, textOf({ status: 'progress', id, step }))
  const limit = queue.capabilities.maxMessageBytes - roomBytes

  return {
    progress,
    /** With the last step of the task, where it reported any; by itself only if there is no room for both. */
    async outcome(replyTo: string, outcome: FinishedTask, step: ProgressStep | undefined): Promise<void> {
      const text = step === undefined ? undefined : textOf({ ...outcome, step })
      if (text !== undefined && Buffer.byteLength(text) <= limit) return send(replyTo, text)
      if (step !== undefined) await progress(replyTo, outcome.id, step)
      await send(replyTo, encodeFinished(outcome))
    },
    /** Throws `MQ_NOT_SERIALIZABLE` or `MQ_MESSAGE_TOO_LARGE` for an outcome that cannot be sent. */
    requireSendable(outcome: FinishedTask): void {
      const bytes = Buffer.byteLength(encodeFinished(outcome))
      if (bytes <= limit) return
      const text = `The result has ${bytes} bytes; a reply over ${queue.type} takes at most ${limit}`
      throw new MqError('MQ_MESSAGE_TOO_LARGE', text)
    },
  }
}

const textOf = (reply: object): string => Buffer.from(encodeData(reply).body).toString()

export type ReplySender = ReturnType<typeof createReplySender>
