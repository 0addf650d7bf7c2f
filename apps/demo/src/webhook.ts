import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { distrust } from './signature.js'

export interface Webhook {
  readonly url: string
  /** Returns the bodies that came with a valid signature, by their id. */
  received(): ReadonlyMap<string, string>
  /** Counts the requests that were answered 401. */
  distrusted(): number
  /** Counts the valid requests with a known id. */
  duplicates(): number
  close(): Promise<void>
}

/**
 * Starts the other system: a real HTTP server on loopback that verifies the signature of each request and keeps one request for each
 * `webhook-id`. It answers 503 to the first `busyFor` requests.
 */
export async function startWebhook(options: { readonly secret: string; readonly busyFor?: number }): Promise<Webhook> {
  const { secret, busyFor = 0 } = options
  const received = new Map<string, string>()
  let requests = 0
  let distrusted = 0
  let duplicates = 0

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request)
    requests += 1
    if (request.method !== 'POST') return end(response, 405)
    if (requests <= busyFor) return end(response, 503)
    const id = headerOf(request, 'webhook-id')
    const signed = { id, timestamp: headerOf(request, 'webhook-timestamp'), body, secret }
    const why = distrust(signed, headerOf(request, 'webhook-signature'))
    if (why !== undefined) {
      distrusted += 1
      return end(response, 401, why)
    }
    if (received.has(id)) duplicates += 1
    else received.set(id, body)
    return end(response, 204)
  }

  const server = createServer((request, response) => {
    // This fails only if the sender has hung up, which then waits for no answer.
    answer(request, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/hooks`,
    received: () => received,
    distrusted: () => distrusted,
    duplicates: () => duplicates,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

const end = (response: ServerResponse, code: number, why = ''): void => void response.writeHead(code).end(why)

function headerOf(request: IncomingMessage, name: string): string {
  const value = request.headers[name]
  return typeof value === 'string' ? value : ''
}
