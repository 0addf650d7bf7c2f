import type { Link } from '../connection/link.js'

/** Lets an ordered consumer wait for new entries of its topic. A wait that was woken leaves its read to the next one. */
export class EntryWait {
  readonly #link: Link
  readonly #stream: string
  #reading: Promise<unknown> | undefined
  #wake: (() => void) | undefined

  constructor(link: Link, stream: string) {
    this.#link = link
    this.#stream = stream
  }

  wake(): void {
    this.#wake?.()
  }

  /** Resolves with true if there are entries after the given one, and with false after the time given or a call of `wake`. */
  async entriesAfter(id: string, blockMs: number): Promise<boolean> {
    const args = ['COUNT', 1, 'BLOCK', blockMs, 'STREAMS', this.#stream, id]
    this.#reading ??= this.#link.send('XREAD', args).finally(() => {
      this.#reading = undefined
    })
    // It may reject after the wait has ended. The next read then rejects too.
    this.#reading.catch(() => {})
    const woken = new Promise<null>((resolve) => {
      this.#wake = () => resolve(null)
    })
    return (await Promise.race([this.#reading, woken])) !== null
  }
}
