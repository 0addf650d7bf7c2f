import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openQueue, type Queue, type QueueConfig, type TaskScheduler } from '@mq/core'
import { isEmbedded } from './broker.js'
import type { Closers } from './closers.js'
import { type Mail, type Mailbox, startMailbox } from './mailbox.js'
import { inDatabase, type Users, withoutDatabase } from './users.js'
import { createWeb } from './web.js'
import { startWebhook, type Webhook } from './webhook.js'
import { startWorker, type Worker, type WorkerEvent } from './worker.js'
import { spawnWorker } from './worker-process.js'

export interface StageOptions {
  readonly config: QueueConfig
  /** The URL of the database that keeps users. Undefined if none does. */
  readonly database: string | undefined
  /** The prefix of the ids of all events of this run: a real broker may still hold events of another. */
  readonly run: string
  readonly port: number
  /** The file to start with the command `worker`. */
  readonly entry: string
  readonly bounces: readonly string[]
  readonly failsTwice: readonly string[]
  readonly swallows: readonly string[]
  readonly onMail: (mail: Mail) => void
  readonly report: (event: WorkerEvent) => void
  /** Called if a part has ended by itself. */
  readonly lost: (error: Error) => void
}

export interface Stage {
  readonly queue: Queue
  readonly mailbox: Mailbox
  readonly users: Users
  readonly webhook: Webhook
  /** The URL of the web server, without a slash at its end. */
  readonly webUrl: string
  /** A folder for files, which is removed when the stage is closed. */
  readonly folder: string
  readonly workerIsProcess: boolean
  /** The scheduler of the worker, if it is in this process. */
  readonly scheduler: TaskScheduler | undefined
}

/** Starts all parts. Each is passed to `closers` once it runs, so that it also ends if a later one does not start. */
export async function openStage(options: StageOptions, closers: Closers): Promise<Stage> {
  const { config, report } = options
  const folder = await mkdtemp(join(tmpdir(), 'mq-demo-'))
  closers.add('folder', () => rm(folder, { recursive: true, force: true }))

  const queue = await openQueue(config.url, { source: '/demo', ...config.options })
  closers.add('queue', () => queue.disconnect({ timeoutMs: 3_000 }))

  const mailbox = await startMailbox(options)
  closers.add('mailbox', mailbox.close)
  const webhookSecret = randomBytes(32).toString('hex')
  const webhook = await startWebhook({ secret: webhookSecret, busyFor: 1 })
  closers.add('webhook', webhook.close)

  const { run } = options
  const settings = { smtpPort: mailbox.port, webhookUrl: webhook.url, webhookSecret, brokerUrl: config.url, run }
  const workerIsProcess = !isEmbedded(config.url)
  const worker: Worker = workerIsProcess
    ? await spawnWorker({ entry: options.entry, settings, report, lost: options.lost })
    : await startWorker(queue, settings, report)
  closers.add('worker', worker.stop)

  const users =
    options.database === undefined ? withoutDatabase(queue) : await inDatabase(queue, { url: options.database, run })
  closers.add('database', users.close)
  const web = createWeb(queue, { newEventId: () => `${options.run}.${randomUUID()}`, users })
  closers.add('web server', () => web.close())
  const webUrl = await web.listen({ host: '127.0.0.1', port: options.port })
  return { queue, mailbox, users, webhook, webUrl, folder, workerIsProcess, scheduler: worker.scheduler }
}
