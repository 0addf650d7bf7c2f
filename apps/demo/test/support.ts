import { once } from 'node:events'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { consoleLog, createQueue, type TaskContext } from '@mq/core'
import { memory } from '@mq/memory'
import { createTransport } from 'nodemailer'
import { onTestFinished } from 'vitest'
import { type MailboxOptions, startMailbox } from '../src/mailbox.js'
import type { Mailer } from '../src/tasks/send-email.js'
import { startWebhook } from '../src/webhook.js'

/** Makes the context that a task gets beside its input. */
export function contextOf(given: { readonly id?: string; readonly signal?: AbortSignal } = {}): TaskContext {
  const { id = 'event-1/task', signal = new AbortController().signal } = given
  const queue = createQueue(memory())
  return {
    id,
    task: 'task',
    attempt: 1,
    time: new Date(),
    headers: {},
    signal,
    queue,
    log: consoleLog,
    progress: () => {},
  }
}

export async function mailboxFor(options: MailboxOptions = {}) {
  const mailbox = await startMailbox(options)
  onTestFinished(mailbox.close)
  return { mailbox, mailer: mailerTo(mailbox.port) }
}

export function mailerTo(port: number): Mailer {
  return createTransport({ host: '127.0.0.1', port, ignoreTLS: true })
}

export async function webhookFor(options: { readonly secret: string; readonly busyFor?: number }) {
  const webhook = await startWebhook(options)
  onTestFinished(webhook.close)
  return webhook
}

/** Starts a server that accepts connections and never answers. */
export async function silentServer() {
  const sockets = new Set<Socket>()
  const closed: Promise<unknown>[] = []
  const server = createTcpServer((socket) => {
    sockets.add(socket)
    socket.resume()
    socket.on('error', () => {})
    closed.push(once(socket, 'close'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    connected: () => (sockets.size > 0 ? Promise.resolve() : once(server, 'connection')),
    /** Resolves when the client has ended every connection. */
    hungUp: () => Promise.all(closed),
  }
}
