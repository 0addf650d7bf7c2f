import { connect, type Socket } from 'node:net'
import { createLane, type Direction, type Gate, type Lane } from './lane.js'

/** The link between a proxy's clients and its broker: both lanes, and the connections that use them. */
export interface Link {
  readonly lanes: Readonly<Record<Direction, Lane>>
  readonly connections: number
  /** Accepts a client's connection and opens one to the broker for it. */
  join(client: Socket): void
  /** Resets every connection at both ends. */
  cut(): void
  /** Lets that many more bytes pass, then cuts at the next byte. `undefined` lets all bytes pass. */
  allow(budget: Budget | undefined): void
}

export interface Budget {
  bytes: number
  readonly direction: Direction | 'both'
}

export function createLink(target: { host: string; port: number }): Link {
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

  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.once('close', () => sockets.delete(socket))
  }

  /** Forwards bytes, the end and a reset from `from` to `to`. All of them wait while the lane is frozen. */
  const pipe = (from: Socket, to: Socket, lane: Lane): void => {
    let carrying = Promise.resolve()
    from.on('data', (chunk) => {
      from.pause()
      carrying = lane.carry(chunk, to).then(() => void from.resume())
    })
    const afterwards = (act: () => void): void => void carrying.then(() => lane.opened()).then(act)
    from.once('end', () => afterwards(() => to.end()))
    from.once('close', (hadError) => afterwards(() => (hadError ? to.resetAndDestroy() : to.end())))
  }

  const join = async (client: Socket): Promise<void> => {
    clients += 1
    client.once('close', () => {
      clients -= 1
    })
    // The pipe of the other socket handles the error. Without a listener it would end the process.
    client.on('error', () => undefined)
    keep(client)
    await lanes.in.opened()
    if (client.destroyed) return
    const broker = connect({ ...target, allowHalfOpen: true })
    broker.on('error', () => undefined)
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
