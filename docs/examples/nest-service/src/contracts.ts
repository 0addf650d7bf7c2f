import { defineEvent } from '@mq/core'
import { declareTask } from '@mq/nestjs'
import { z } from 'zod'

export const account = z.object({ email: z.email() })
export type Account = z.infer<typeof account>

/** Published for each sign-up. Any service may subscribe to it. */
export const accountCreated = defineEvent('account.created', { schema: account, key: ({ email }) => email })

/** Sends a mail. A full mailbox stays full for longer than retries take, so its mail becomes a dead letter at once. */
export const sendMail = declareTask({
  name: 'send-account-mail',
  input: z.object({ to: z.email(), text: z.string() }),
  result: z.object({ mailId: z.string(), attempt: z.int() }),
  retry: { attempts: 5, delayMs: 200, rules: [{ match: 'MailboxFull', retry: false }] },
  timeoutMs: 10_000,
})
