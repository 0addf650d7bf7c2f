import { type RetryOptions, type Task, type TaskContext, Unrecoverable } from '@mq/core'
import { z } from 'zod'
import { signatureOf } from '../signature.js'

const notificationInput = z.object({ userId: z.string().min(1), email: z.email() })
export type NotificationInput = z.infer<typeof notificationInput>

export interface NotificationResult {
  readonly status: 'success'
  /** The HTTP status that the receiver answered. */
  readonly code: number
}

export interface NotificationOptions {
  readonly url: string
  readonly secret: string
  readonly retry?: RetryOptions
  readonly timeoutMs?: number
}

/** The only 4xx answers that may be different in a second attempt. */
const temporary = [408, 425, 429]

/**
 * Notifies another system of a new user by a webhook: an HTTP POST, signed as https://www.standardwebhooks.com defines it. The answers
 * 5xx, 408, 425 and 429 are retried, and so is a failed connection. Every other answer but 2xx is a permanent failure. Redirects are
 * not followed, as the data was meant for this address. A repeated run sends the same `webhook-id`.
 */
export class NotificationTask implements Task<NotificationInput, NotificationResult> {
  readonly name = 'notification'
  readonly input = notificationInput
  readonly retry: RetryOptions
  readonly timeoutMs: number
  readonly #url: string
  readonly #secret: string

  constructor(options: NotificationOptions) {
    this.#url = options.url
    this.#secret = options.secret
    this.retry = options.retry ?? {}
    this.timeoutMs = options.timeoutMs ?? 10_000
  }

  async execute({ userId, email }: NotificationInput, { id, signal }: TaskContext): Promise<NotificationResult> {
    const body = JSON.stringify({ type: 'user.created', data: { userId, email } })
    const timestamp = String(Math.floor(Date.now() / 1000))
    const headers = {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': signatureOf({ id, timestamp, body, secret: this.#secret }),
    }
    const response = await fetch(this.#url, { method: 'POST', headers, body, signal, redirect: 'manual' })
    await response.body?.cancel()
    const { status, ok } = response
    if (ok) return { status: 'success', code: status }
    const text = `The webhook answered ${status} ${response.statusText}`.trim()
    if (status >= 500 || temporary.includes(status)) throw new Error(text)
    throw new Unrecoverable(text)
  }
}
