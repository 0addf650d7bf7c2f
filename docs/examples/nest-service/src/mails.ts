import type { TaskContext, TaskScheduler } from '@mq/core'
import { InjectScheduler, type MessageContext, OnMessage, OnTask } from '@mq/nestjs'
import { Injectable } from '@nestjs/common'
import { type Account, accountCreated, sendMail } from './contracts.js'
import { Mailer } from './mailer.js'

/** Turns sign-ups into mails, and sends them. */
@Injectable()
export class Mails {
  constructor(
    private readonly mailer: Mailer,
    @InjectScheduler() private readonly scheduler: TaskScheduler,
  ) {}

  /** An event that comes twice enqueues the same task, because the task's id follows from the event's. */
  @OnMessage(accountCreated, { group: 'welcome' })
  async welcome({ email }: Account, { message }: MessageContext) {
    await this.scheduler.enqueue(sendMail, { to: email, text: 'Welcome!' }, { id: `${message.id}/welcome` })
  }

  @OnTask(sendMail, { concurrency: 20 })
  async send({ to, text }: { to: string; text: string }, { attempt, signal }: TaskContext) {
    return { mailId: await this.mailer.send(to, text, signal), attempt }
  }
}
