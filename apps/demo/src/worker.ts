import { createScheduler, type Queue, type RetryOptions, type SettledEvent, type TaskScheduler } from '@mq/core'
import { createTransport } from 'nodemailer'
import { userCreated } from './events.js'
import { openStore } from './store.js'
import { DataProcessingTask } from './tasks/data-processing.js'
import { NotificationTask } from './tasks/notification.js'
import { SendEmailTask } from './tasks/send-email.js'

export interface WorkerSettings {
  readonly smtpPort: number
  readonly webhookUrl: string
  readonly webhookSecret: string
  readonly brokerUrl: string
  /** Distinguishes the users of this run from those of other runs. */
  readonly run: string
}

/** A report of a worker. It is plain data, as it may come from another process. */
export type WorkerEvent =
  | { readonly type: 'ready' }
  | ({ readonly type: 'settled'; readonly reason?: string } & Pick<
      SettledEvent,
      'topic' | 'group' | 'id' | 'attempt' | 'settlement'
    >)
  | { readonly type: 'completed'; readonly task: string; readonly id: string; readonly result: unknown }

export interface Worker {
  /** Knows how tasks have ended. Absent if the worker is another process. */
  readonly scheduler?: TaskScheduler
  stop(): Promise<void>
}

/** The delays are short so that the demo is; a real mail server that is busy needs minutes. */
const retry: RetryOptions = { attempts: 5, delayMs: 200, jitter: 'none' }

/** Turns every `user.created` into a mail and a webhook, and runs the tasks. Reports `ready` once it will miss no event. */
export async function startWorker(
  queue: Queue,
  settings: WorkerSettings,
  report: (event: WorkerEvent) => void,
): Promise<Worker> {
  const mailer = createTransport({
    host: '127.0.0.1',
    port: settings.smtpPort,
    ignoreTLS: true,
    name: 'welcome.example.com',
  })
  const sendEmail = new SendEmailTask(mailer, { from: 'Welcome <welcome@example.com>', retry })
  const notification = new NotificationTask({ url: settings.webhookUrl, secret: settings.webhookSecret, retry })

  const { store, close } = await openStore(settings)
  const scheduler = createScheduler(queue, { store })
  await scheduler.register(sendEmail)
  await scheduler.register(notification)
  await scheduler.register(new DataProcessingTask({ retry }))
  const input = ({ data }: { data: { userId: string; email: string } }) => ({ userId: data.userId, email: data.email })
  // One welcome for each user, even if the event of a user is published several times.
  await scheduler.route(userCreated, sendEmail, input, { retry, idempotencyKey: ({ data }) => data.userId })
  await scheduler.route(userCreated, notification, input, { retry })

  const unwatch = [
    queue.on('settled', ({ topic, group, id, attempt, settlement, failure }) => {
      const reason = failure && { reason: failure.error.message }
      report({ type: 'settled', topic, group, id, attempt, settlement, ...reason })
    }),
    scheduler.on('completed', ({ task, id, result }) => report({ type: 'completed', task, id, result })),
  ]
  await scheduler.start()
  report({ type: 'ready' })
  return {
    scheduler,
    async stop() {
      await scheduler.stop({ timeoutMs: 3_000 })
      await close()
      for (const end of unwatch) end()
      mailer.close()
    },
  }
}
