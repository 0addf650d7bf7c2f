import type { Socket } from 'node:net'

/** A direction: `in` is to the broker, `out` is from it to the client. */
export type Direction = 'in' | 'out'

/** One direction of a route, shared by all its connections. */
export interface Lane {
  readonly bytes: number
  readonly isFrozen: boolean
  /** Resolves when the lane is not frozen: at once, or with `thaw`. */
  opened(): Promise<void>
  /** Resolves once the socket has the bytes, or is closed and never will. */
  carry(chunk: Buffer, to: Socket): Promise<void>
  freeze(): void
  thaw(): void
  /** Sets the rate. `undefined` means no limit. */
  limit(bytesPerSecond: number | undefined): void
}

export interface Gate {
  /** Returns how many bytes of the next piece may pass. */
  admit(length: number): number
  /** Called once a piece has passed only in part. */
  spent(): void
}

export function createLane(gate: Gate): Lane {
  let bytes = 0
  let frozen = false
  let rate: number | undefined
  /** The time when the last piece leaves a route of that rate. */
  let busyUntil = 0
  let change = deferred()

  const changed = (): void => {
    change.resolve()
    change = deferred()
  }

  /** Waits for the lane. A change of the rate ends the wait early. */
  const turn = async (length: number): Promise<void> => {
    if (rate === undefined) return
    const startsAt = Math.max(Date.now(), busyUntil)
    busyUntil = startsAt + (length / rate) * 1_000
    await Promise.race([sleep(busyUntil - Date.now()), change.promise])
  }

  const opened = async (): Promise<void> => {
    while (frozen) await change.promise
  }

  return {
    get bytes() {
      return bytes
    },
    get isFrozen() {
      return frozen
    },
    opened,
    async carry(chunk, to) {
      let rest = chunk
      while (rest.length > 0 && !to.destroyed) {
        await opened()
        // Twenty pieces per second behave like a slow link, not like a fast one with pauses.
        const piece = rest.subarray(0, rate === undefined ? rest.length : Math.max(1, Math.floor(rate / 20)))
        await turn(piece.length)
        await opened()
        if (to.destroyed) return
        const admitted = gate.admit(piece.length)
        bytes += admitted
        if (admitted > 0) await write(to, piece.subarray(0, admitted))
        if (admitted < piece.length) return gate.spent()
        rest = rest.subarray(piece.length)
      }
    },
    freeze() {
      frozen = true
    },
    thaw() {
      frozen = false
      changed()
    },
    limit(bytesPerSecond) {
      rate = bytesPerSecond
      busyUntil = 0
      changed()
    },
  }
}

/** Resolves when the kernel has the bytes, so that a slow reader slows down the writer, or when the socket is gone. */
async function write(to: Socket, piece: Buffer): Promise<void> {
  await new Promise<void>((resolve) => to.write(piece, () => resolve()))
}

interface Deferred {
  readonly promise: Promise<void>
  readonly resolve: () => void
}

function deferred(): Deferred {
  let resolve: () => void = () => undefined
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
