import type { Server } from 'node:http'

/**
 * Closes a connection with its answer once the server is closing. Node closes only those that are idle when the closing begins. The others
 * would stay open for seconds, and for longer while their clients go on to ask. Nest's `forceCloseConnections` would end open requests.
 */
export function closeWithLastAnswer(server: Server): void {
  server.on('request', (_request, response) => {
    response.once('close', () => {
      if (!server.listening) server.closeIdleConnections()
    })
  })
}
