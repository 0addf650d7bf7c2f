import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openQueue } from '@mq/core'
import { brokerConfig } from './broker.js'
import { startWorker, type Worker, type WorkerEvent, type WorkerSettings } from './worker.js'

/** How long a worker may take to end once it was asked to. */
const patienceMs = 8_000

const variables = {
  smtpPort: 'DEMO_SMTP_PORT',
  webhookUrl: 'DEMO_WEBHOOK_URL',
  webhookSecret: 'DEMO_WEBHOOK_SECRET',
  run: 'DEMO_RUN',
} as const

/** Runs the command `worker` until SIGTERM, or until the process that started it has ended. */
export async function runWorker(env: NodeJS.ProcessEnv): Promise<number> {
  // In a terminal Ctrl-C reaches every process, but the parent process decides when the worker ends.
  process.on('SIGINT', () => {})
  const ended = Promise.race([once(process, 'SIGTERM'), ...(process.connected ? [once(process, 'disconnect')] : [])])
  // The worker may be waiting for a broker that does not answer, so its end has a limit.
  void ended.then(() => setTimeout(() => process.exit(1), patienceMs).unref())
  const { url, options } = brokerConfig(undefined, env)
  const settings = settingsFrom(env, url)
  const queue = await openQueue(url, options)
  try {
    const worker = await startWorker(queue, settings, report)
    await ended
    await worker.stop()
  } finally {
    await queue.disconnect({ timeoutMs: 3_000 })
    if (process.connected) process.disconnect()
  }
  return 0
}

function report(event: WorkerEvent): void {
  // Once the channel is closed there is no listener, and `runWorker` is about to end.
  if (process.connected) process.send?.(event, undefined, undefined, () => {})
}

function settingsFrom(env: NodeJS.ProcessEnv, brokerUrl: string): WorkerSettings {
  const read = (name: string): string => {
    const value = env[name]
    if (value === undefined || value === '') throw new Error(`The worker needs ${name}; the demo sets it`)
    return value
  }
  return {
    smtpPort: Number(read(variables.smtpPort)),
    webhookUrl: read(variables.webhookUrl),
    webhookSecret: read(variables.webhookSecret),
    run: read(variables.run),
    brokerUrl,
  }
}

export interface SpawnOptions {
  /** The file to start with the command `worker`. */
  readonly entry: string
  /** Passed in the environment: the URL may hold a password, and all users of a machine can see arguments. */
  readonly settings: WorkerSettings
  readonly report: (event: WorkerEvent) => void
  /** Called if the process has ended by itself. */
  readonly lost: (error: Error) => void
}

/** Starts a worker in its own process. Resolves once it is ready; rejects if it ends before. */
export async function spawnWorker({ entry, settings, report, lost }: SpawnOptions): Promise<Worker> {
  const child = spawn(process.execPath, [entry, 'worker'], {
    env: {
      ...process.env,
      MQ_URL: settings.brokerUrl,
      [variables.smtpPort]: String(settings.smtpPort),
      [variables.webhookUrl]: settings.webhookUrl,
      [variables.webhookSecret]: settings.webhookSecret,
      [variables.run]: settings.run,
    },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  let isStopping = false
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    const fail = (error: Error): void => {
      reject(error)
      if (!isStopping) lost(error)
    }
    child.once('error', fail)
    child.once('exit', (code, signal) => fail(new Error(`The worker process ended by itself (${signal ?? code})`)))
    child.on('message', (event) => {
      if ((event as WorkerEvent).type === 'ready') resolve()
      report(event as WorkerEvent)
    })
  })
  return {
    async stop() {
      isStopping = true
      await end(child, gone)
    },
  }
}

async function end(child: ChildProcess, gone: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs)
  child.kill('SIGTERM')
  await gone
  clearTimeout(timer)
}
