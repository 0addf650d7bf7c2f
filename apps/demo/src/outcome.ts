import type { Queue } from '@mq/core'
import PostalMime, { type Email } from 'postal-mime'
import { type Ledger, routedTask } from './ledger.js'
import type { Mail } from './mailbox.js'
import { type AcceptedSignUp, isAccepted, type SignedUp } from './sign-ups.js'

/** What became of one user whose sign-up was accepted. */
export interface UserOutcome extends AcceptedSignUp {
  readonly mails: readonly Email[]
  /** Why each failed run of `SendEmailTask` failed. */
  readonly retries: readonly string[]
  /** Why `SendEmailTask` is in the dead letters, if it is. */
  readonly deadLetter: string | undefined
  readonly result: unknown
}

export interface Evidence {
  readonly signedUp: readonly SignedUp[]
  readonly mails: readonly Mail[]
  /** Reasons by the id of the task, as the broker keeps them. */
  readonly deadLetters: ReadonlyMap<string, string>
  readonly ledger: Ledger
}

/** Puts what the mailbox and the broker hold beside the users. */
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

/** The reasons in the dead letters of a task, by the task's id. */
export async function deadLettersOf(queue: Queue, task: string): Promise<ReadonlyMap<string, string>> {
  const entries = await queue.deadLetters(`task.${task}`, 'workers').list({ limit: 10_000 })
  return new Map(entries.map(({ message, failure }) => [message.id, failure.error.message]))
}

/** Without the mails of another run, of which a real broker may have kept tasks. */
export const mailsOf = (run: string, mails: readonly Mail[]): readonly Mail[] =>
  mails.filter(({ messageId }) => messageId.startsWith(`<${run}.`))
