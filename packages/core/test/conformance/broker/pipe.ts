/** What a network does to everything that goes over it. */
export interface Conditions {
  readonly frozen: { in: boolean; out: boolean }
  /** Each way. Undefined: as much as comes in a turn of the event loop. */
  bytesPerSecond: number | undefined
}

/** `in` is towards the broker. */
export type Direction = 'in' | 'out'

export interface Receiver<Frame> {
  frame(frame: Frame): void
  /** Bytes have come, of a frame or a part of one. */
  activity(): void
  /** The other end is gone. Told once, and nothing after it. */
  closed(): void
}

const tickMs = 5

/** One way of a connection: frames arrive later, in order, and as fast as the network lets them. */
export class Pipe<Frame> {
  readonly #conditions: Conditions
  readonly #direction: Direction
  readonly #sizeOf: (frame: Frame) => number
  /** An undefined frame is the end. */
  #frames: { readonly frame: Frame | undefined; bytesLeft: number }[] = []
  #receiver: Receiver<Frame> | undefined
  #immediate: NodeJS.Immediate | undefined
  #timer: NodeJS.Timeout | undefined
  #ended = false

  constructor(conditions: Conditions, direction: Direction, sizeOf: (frame: Frame) => number) {
    this.#conditions = conditions
    this.#direction = direction
    this.#sizeOf = sizeOf
  }

  set receiver(receiver: Receiver<Frame> | undefined) {
    this.#receiver = receiver
  }

  send(frame: Frame): void {
    if (this.#ended) return
    this.#frames.push({ frame, bytesLeft: this.#sizeOf(frame) })
    this.flow()
  }

  /** The receiver is told after everything that was sent before. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#frames.push({ frame: undefined, bytesLeft: 0 })
    this.flow()
  }

  /** As `end`, but what is on its way is lost, and a frozen network cannot keep the news back. */
  reset(): void {
    this.#ended = true
    this.#frames = []
    this.#cancel()
    const receiver = this.#receiver
    this.#receiver = undefined
    setImmediate(() => receiver?.closed())
  }

  /** Goes on under conditions that may have changed. */
  flow(): void {
    if (this.#immediate !== undefined || this.#timer !== undefined || this.#frames.length === 0) return
    if (this.#conditions.frozen[this.#direction]) return
    if (this.#conditions.bytesPerSecond === undefined) this.#immediate = setImmediate(() => this.#pass(Infinity))
    else {
      const since = performance.now()
      this.#timer = setTimeout(() => {
        const { bytesPerSecond = Number.POSITIVE_INFINITY } = this.#conditions
        this.#pass((bytesPerSecond * (performance.now() - since)) / 1_000)
      }, tickMs)
    }
  }

  #pass(bytes: number): void {
    this.#cancel()
    if (this.#conditions.frozen[this.#direction]) return
    let left = bytes
    const arrived: (Frame | undefined)[] = []
    for (let first = this.#frames[0]; first !== undefined && left > 0; first = this.#frames[0]) {
      const passed = Math.min(left, first.bytesLeft)
      left -= passed
      first.bytesLeft -= passed
      if (first.bytesLeft > 0) break
      this.#frames.shift()
      arrived.push(first.frame)
    }
    this.#receiver?.activity()
    for (const frame of arrived) {
      if (frame !== undefined) this.#receiver?.frame(frame)
      else this.#receiver?.closed()
    }
    this.flow()
  }

  #cancel(): void {
    clearImmediate(this.#immediate)
    clearTimeout(this.#timer)
    this.#immediate = undefined
    this.#timer = undefined
  }
}
