import { type RetryOptions, type Task, type TaskContext, Unrecoverable } from '@mq/core'
import type { SMTPSentMessageInfo, SMTPTransportOptions, Transporter } from 'nodemailer'
import { z } from 'zod'

const sendEmailInput = z.object({ userId: z.string().min(1), email: z.email() })
export type SendEmailInput = z.infer<typeof sendEmailInput>

export interface SendEmailResult {
  readonly status: 'success'
  readonly email: string
}

export type Mailer = Transporter<SMTPSentMessageInfo, SMTPTransportOptions>

export interface SendEmailOptions {
  readonly from: string
  readonly retry?: RetryOptions
  readonly timeoutMs?: number
}

/**
 * Sends the welcome mail by SMTP. By RFC 5321 a reply of 500 or more is final, so the task is dead-lettered at once. After any other
 * failure it is retried.
 *
 * A run whose outcome is unknown is repeated, so the same mail may be sent twice. Both carry the same Message-ID, made from the id
 * of the task. A receiver that checks it keeps one of them.
 */
export class SendEmailTask implements Task<SendEmailInput, SendEmailResult> {
  readonly name = 'send-email'
  readonly input = sendEmailInput
  readonly retry: RetryOptions
  readonly timeoutMs: number
  readonly #mailer: Mailer
  readonly #from: string

  constructor(mailer: Mailer, options: SendEmailOptions) {
    this.#mailer = mailer
    this.#from = options.from
    this.retry = options.retry ?? {}
    this.timeoutMs = options.timeoutMs ?? 10_000
  }

  async execute({ userId, email }: SendEmailInput, { id, signal }: TaskContext): Promise<SendEmailResult> {
    const mail = {
      from: this.#from,
      // As an object, so that it is not parsed as a list of addresses.
      to: { name: '', address: email },
      subject: 'Welcome to our platform',
      text: `Hello, thank you for registering with us! Your user ID is ${userId}.`,
      messageId: messageIdOf(id),
      signal,
    }
    try {
      await this.#mailer.sendMail(mail)
    } catch (error) {
      const { responseCode, response } = error as { responseCode?: number; response?: string }
      if (responseCode === undefined || response === undefined) throw error
      throw responseCode >= 500 ? new Unrecoverable(response, { cause: error }) : new Error(response, { cause: error })
    }
    return { status: 'success', email }
  }
}

/** Makes a Message-ID. RFC 5322 allows a dot-atom, which the id of a routed task, `<event id>/send-email`, is. */
export function messageIdOf(taskId: string): string {
  const local = /^[\w/+-]+(\.[\w/+-]+)*$/.test(taskId) ? taskId : Buffer.from(taskId).toString('hex')
  return `<${local}@welcome.example.com>`
}
