/** The conditions of a network for everything that passes. */
export interface Conditions {
  readonly frozen: { in: boolean; out: boolean }
  /** The limit in each direction. Undefined: no limit. */
  bytesPerSecond: number | undefined
}

/** A direction: `in` is to the broker. */
export type Direction = 'in' | 'out'

export interface Receiver<Frame> {
  frame(frame: Frame): void
  /** Called when bytes of a frame arrive. */
  activity(): void
  /** Called once when the other end is gone. Nothing follows. */
  closed(): void
}

const tickMs = 5

/** One direction of a connection: frames arrive later, in order, and as fast as the network allows. */
export class Pipe<Frame> {
  readonly #conditions: Conditions
  readonly #direction: Direction
  readonly #sizeOf: (frame: Frame) => number
  /** The frames on their way. An undefined frame is the end. */
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

  /** Ends the direction. The receiver learns of it after everything sent before. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#frames.push({ frame: undefined, bytesLeft: 0 })
    this.flow()
  }

  /** Ends the direction like `end`, but frames on their way are lost, and a frozen network does not hold it back. */
  reset(): void {
    this.#ended = true
    this.#frames = []
    this.#cancel()
    const receiver = this.#receiver
    this.#receiver = undefined
    setImmediate(() => receiver?.closed())
  }

  /** Continues under conditions that may have changed. */
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
