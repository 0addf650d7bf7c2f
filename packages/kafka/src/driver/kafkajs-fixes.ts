import type { Connection } from './kafkajs-types.js'

/** Keeps kafkajs from looking for queued requests every millisecond, on every connection, even if there are none. */
export function scheduleChecksOnlyIfPending({ requestQueue }: Connection): void {
  const check = requestQueue.scheduleCheckPendingRequests.bind(requestQueue)
  requestQueue.scheduleCheckPendingRequests = () => {
    if (requestQueue.pending.length > 0) check()
  }
}

/** Lets calls that come while kafkajs connects share a socket. It opens one for each, and knows only the last of them. */
export function shareConnect(connection: Connection): void {
  const connect = connection.connect.bind(connection)
  let connecting: Promise<unknown> | undefined
  connection.connect = () => {
    connecting ??= connect().finally(() => {
      connecting = undefined
    })
    return connecting
  }
}

/** Closes a connection at once, and rejects its requests. */
export function destroy(connection: Connection, error: Error): void {
  connection.rejectRequests(error)
  connection.requestQueue.destroy()
  // The error makes kafkajs notice the end, and clear its timers.
  connection.socket?.destroy(error)
}
