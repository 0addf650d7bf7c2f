import type { Queue } from '@mq/core'
import PostalMime, { type Email } from 'postal-mime'
import { type Ledger, routedTask } from './ledger.js'
import type { Mail } from './mailbox.js'
import { type AcceptedSignUp, isAccepted, type SignedUp } from './sign-ups.js'

/** One user whose sign-up was accepted, with the mails and the task of that user. */
export interface UserOutcome extends AcceptedSignUp {
  readonly mails: readonly Email[]
  /** The reason of each failed run of `SendEmailTask`. */
  readonly retries: readonly string[]
  /** Why `SendEmailTask` is in the dead letters. Undefined if it is not. */
  readonly deadLetter: string | undefined
  readonly result: unknown
}

export interface Evidence {
  readonly signedUp: readonly SignedUp[]
  readonly mails: readonly Mail[]
  /** The reasons that the broker keeps, by the id of the task. */
  readonly deadLetters: ReadonlyMap<string, string>
  readonly ledger: Ledger
}

/** Combines the users with the contents of the mailbox and of the broker. */
export async function outcomesOf(evidence: Evidence): Promise<readonly UserOutcome[]> {
  const { signedUp, mails, deadLetters, ledger } = evidence
  const parsed = await Promise.all(mails.map(async (mail) => ({ ...mail, email: await PostalMime.parse(mail.raw) })))
  return signedUp.filter(isAccepted).map((user) => {
    const taskId = routedTask(user.eventId, 'send-email')
    const own = parsed.filter(({ to }) => to === user.row.email)
    const { retries = [], result } = ledger.get(taskId) ?? {}
    return {
      ...user,
      mails: own.map(({ email }) => email),
      retries,
      deadLetter: deadLetters.get(taskId),
      result,
    }
  })
}

/** Returns the reasons in the dead letters of a task, by the id of the task. */
export async function deadLettersOf(queue: Queue, task: string): Promise<ReadonlyMap<string, string>> {
  const entries = await queue.deadLetters(`task.${task}`, 'workers').list({ limit: 10_000 })
  return new Map(entries.map(({ message, failure }) => [message.id, failure.error.message]))
}

/** Leaves out the mails of other runs, whose tasks a real broker may have kept. */
export const mailsOf = (run: string, mails: readonly Mail[]): readonly Mail[] =>
  mails.filter(({ messageId }) => messageId.startsWith(`<${run}.`))
