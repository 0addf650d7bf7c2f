import { connect, createServer, type Socket } from 'node:net'
import { promisify } from 'node:util'

/** A link that ends at a chosen request. */
export interface Cutter {
  readonly url: string
  /** Ends all connections instead of passing on the next chunk of the client but `count`. */
  after(count: number): void
  /** Says whether that has happened. */
  readonly hasCut: boolean
  close(): Promise<void>
}

/** Starts a link to a server that passes everything on, until it is told to end. */
export async function cutter(serverUrl: string): Promise<Cutter> {
  const target = new URL(serverUrl)
  const sockets = new Set<Socket>()
  let left = Number.POSITIVE_INFINITY
  let hasCut = false

  function follow(from: Socket, to: Socket, isPassed: () => boolean): void {
    sockets.add(from)
    from.on('data', (chunk) => void (isPassed() && to.write(chunk)))
    from.on('error', () => undefined)
    from.on('close', () => {
      sockets.delete(from)
      to.destroy()
    })
  }

  function cutOrPass(): boolean {
    if (left-- > 0) return true
    left = Number.POSITIVE_INFINITY
    hasCut = true
    for (const socket of sockets) socket.destroy()
    return false
  }

  const listener = createServer((client) => {
    const broker = connect(Number(target.port), target.hostname)
    follow(client, broker, cutOrPass)
    follow(broker, client, () => true)
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const url = new URL(serverUrl)
  url.hostname = '127.0.0.1'
  url.port = String((listener.address() as { port: number }).port)
  return {
    url: url.href,
    after(count) {
      hasCut = false
      left = count
    },
    get hasCut() {
      return hasCut
    },
    async close() {
      const closing = promisify(listener.close.bind(listener))()
      for (const socket of sockets) socket.destroy()
      await closing
    },
  }
}
