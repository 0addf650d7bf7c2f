import { setTimeout as pause } from 'node:timers/promises'
import { Injectable, Logger } from '@nestjs/common'

class MailboxFull extends Error {
  override readonly name = 'MailboxFull'
}

/** Stands for your mail server. It is busy the first time that somebody greylisted gets a mail. */
@Injectable()
export class Mailer {
  readonly sent: string[] = []
  readonly #logger = new Logger(Mailer.name)
  readonly #full = new Set(['full@example.com'])
  readonly #known = new Set<string>()

  async send(to: string, text: string, signal: AbortSignal): Promise<string> {
    this.#logger.log(`a mail to ${to}`)
    await pause(300, undefined, { signal })
    if (this.#full.has(to)) throw new MailboxFull(`the mailbox of ${to} is full`)
    if (to.startsWith('greylisted') && !this.#known.has(to)) {
      this.#known.add(to)
      throw new Error('451 try again later')
    }
    return `mail-${this.sent.push(`${to}: ${text}`)}`
  }

  empty(mailbox: string): void {
    this.#full.delete(mailbox)
  }
}
