import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Closers } from './closers.js'
import type { Stage } from './stage.js'

/** Serves the page of the queue on loopback, with everything that it can do. Resolves to its URL. */
export async function servePage({ queue, scheduler }: Stage, closers: Closers): Promise<string> {
  // Only those who look need it.
  const { createPage } = await import('@mq/page')
  const allow = { replay: true, edit: true, purge: true, pause: true, remove: true, runNow: true, cancel: true }
  const page = createPage(queue, { title: 'Sign-ups', allow, scheduler })
  const server = createServer(page)
  closers.add('page', async () => {
    page.close()
    server.closeAllConnections()
    server.close()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}
