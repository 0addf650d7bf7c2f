import { type Conditions, Pipe, type Receiver } from './pipe.js'
import { type ClientFrame, clientFrameSize, type ServerFrame, serverFrameSize } from './wire.js'

/** One end of a connection. */
export interface End<Sent, Received> {
  send(frame: Sent): void
  /** Sets the receiver of what arrives here. */
  receive(receiver: Receiver<Received>): void
  /** Closes this end. Frames sent before still arrive, but nothing more is received here. */
  close(): void
}

export type ClientEnd = End<ClientFrame, ServerFrame>
export type ServerEnd = End<ServerFrame, ClientFrame>

interface Link {
  readonly toBroker: Pipe<ClientFrame>
  readonly toClient: Pipe<ServerFrame>
}

/** The connections to one broker, and their faults. */
export class Network {
  readonly #conditions: Conditions = { frozen: { in: false, out: false }, bytesPerSecond: undefined }
  readonly #accept: (end: ServerEnd) => void
  readonly #links = new Set<Link>()
  readonly #routes = new Map<string, Network>()
  readonly #main: Network | undefined
  /** Whether the broker listens. */
  listening = true
  /** Whether new connections are refused although the broker listens. */
  refusing = false

  constructor(accept: (end: ServerEnd) => void, main?: Network) {
    this.#accept = accept
    this.#main = main
  }

  /** Returns another way to the same broker, with faults of its own. */
  route(name: string): Network {
    const route = this.#routes.get(name) ?? new Network(this.#accept, this)
    this.#routes.set(name, route)
    return route
  }

  /** Resolves with the client's end of a new connection, a turn later. Rejects like a socket. */
  async connect(): Promise<ClientEnd> {
    await new Promise((resolve) => setImmediate(resolve))
    const { listening } = this.#main ?? this
    if (!listening || this.refusing) throw new Error('connect ECONNREFUSED')
    const link: Link = {
      toBroker: new Pipe(this.#conditions, 'in', clientFrameSize),
      toClient: new Pipe(this.#conditions, 'out', serverFrameSize),
    }
    this.#links.add(link)
    let open = 2
    const closed = (): void => {
      open -= 1
      if (open === 0) this.#links.delete(link)
    }
    this.#accept(endOf(link.toClient, link.toBroker, closed))
    return endOf(link.toBroker, link.toClient, closed)
  }

  freeze(direction: 'in' | 'out' | 'both'): void {
    if (direction !== 'out') this.#conditions.frozen.in = true
    if (direction !== 'in') this.#conditions.frozen.out = true
  }

  slow(bytesPerSecond: number): void {
    this.#conditions.bytesPerSecond = bytesPerSecond
  }

  /** Ends freezing, slowness and refusal. */
  heal(): void {
    this.#conditions.frozen.in = false
    this.#conditions.frozen.out = false
    this.#conditions.bytesPerSecond = undefined
    this.refusing = false
    for (const { toBroker, toClient } of this.#links) {
      toBroker.flow()
      toClient.flow()
    }
  }

  /** Resets every connection: both ends learn of it, and frames on their way are lost. */
  cut(): void {
    for (const { toBroker, toClient } of this.#links) {
      toBroker.reset()
      toClient.reset()
    }
    this.#links.clear()
  }
}

function endOf<Sent, Received>(
  outgoing: Pipe<Sent>,
  incoming: Pipe<Received>,
  closed: () => void,
): End<Sent, Received> {
  let open = true
  return {
    send: (frame) => outgoing.send(frame),
    receive: (receiver) => {
      incoming.receiver = receiver
    },
    close() {
      if (!open) return
      open = false
      incoming.receiver = undefined
      outgoing.end()
      closed()
    },
  }
}
