import { connect, type Socket } from 'node:net'
import { createLane, type Direction, type Gate, type Lane } from './lane.js'

/** The route between a proxy's clients and its broker: both lanes, and the connections that use them. */
export interface Route {
  readonly lanes: Readonly<Record<Direction, Lane>>
  readonly connections: number
  /** Accepts a client's connection and opens one to the broker for it. */
  join(client: End): void
  /** Resets every connection at both ends. */
  cut(): void
  /** Lets that many more bytes pass, then cuts at the next byte. `undefined` lets all bytes pass. */
  allow(budget: Budget | undefined): void
}

/** One end of the route. */
export interface End {
  /** The socket of the connection itself, which is what a reset has to end. */
  readonly socket: Socket
  /** The socket that reads and writes: the same one, or the one that speaks TLS over it. */
  readonly stream: Socket
}

export interface Budget {
  bytes: number
  readonly direction: Direction | 'both'
}

export function createRoute(target: { readonly host: string; readonly port: number }): Route {
  const sockets = new Set<Socket>()
  let clients = 0
  let budget: Budget | undefined

  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy()
  }

  const gate = (direction: Direction): Gate => ({
    admit(length) {
      if (budget === undefined || (budget.direction !== 'both' && budget.direction !== direction)) return length
      const admitted = Math.min(length, budget.bytes)
      budget.bytes -= admitted
      return admitted
    },
    spent() {
      budget = undefined
      cut()
    },
  })

  const lanes = { in: createLane(gate('in')), out: createLane(gate('out')) }

  /** Forwards bytes, the end and a reset from `from` to `to`. All of them wait while the lane is frozen. */
  const pipe = ({ stream: from }: End, { socket, stream: to }: End, lane: Lane): void => {
    let carrying = Promise.resolve()
    from.on('data', (chunk) => {
      from.pause()
      carrying = lane.carry(chunk, to).then(() => void from.resume())
    })
    const afterwards = (act: () => void): void => void carrying.then(() => lane.opened()).then(act)
    from.once('end', () => afterwards(() => to.end()))
    from.once('close', (hadError) => afterwards(() => (hadError ? socket.resetAndDestroy() : to.end())))
  }

  const keep = ({ socket, stream }: End): void => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.once('close', () => sockets.delete(socket))
    // The pipe of the other end handles the error. Without a listener it would end the process.
    for (const each of [socket, stream]) each.on('error', () => undefined)
  }

  const join = async (client: End): Promise<void> => {
    clients += 1
    client.socket.once('close', () => {
      clients -= 1
    })
    keep(client)
    await lanes.in.opened()
    if (client.socket.destroyed) return
    const socket = connect({ ...target, allowHalfOpen: true })
    const broker = { socket, stream: socket }
    keep(broker)
    pipe(client, broker, lanes.in)
    pipe(broker, client, lanes.out)
  }

  return {
    lanes,
    get connections() {
      return clients
    },
    join: (client) => void join(client),
    cut,
    allow(allowed) {
      budget = allowed
    },
  }
}
