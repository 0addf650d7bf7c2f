const ticksPerBeat = 4

/**
 * Sends heartbeats, and detects when nothing has arrived for `heartbeatMs`. It counts its own ticks instead of reading a
 * clock, so that a busy process is not mistaken for a dead link.
 */
export class Pulse {
  readonly #timer: NodeJS.Timeout
  #silentTicks = 0

  constructor(heartbeatMs: number, actions: { readonly beat: () => void; readonly silent: () => void }) {
    this.#timer = setInterval(() => {
      actions.beat()
      this.#silentTicks += 1
      if (this.#silentTicks > ticksPerBeat) actions.silent()
    }, heartbeatMs / ticksPerBeat)
  }

  activity(): void {
    this.#silentTicks = 0
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
