const ticksPerBeat = 4

/**
 * Sends a beat now and then, and notices when nothing at all has come for `heartbeatMs`. It counts its own ticks instead of
 * reading a clock: a process that was busy for long has missed nothing.
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
