import { createLink, type Link } from '../../connection/link.js'
import type { Argument } from '../../connection/script.js'
import type { LinkSettings } from '../../options/connection.js'

/** How many connections are lent at a time. */
const maxLent = 4
/** How long a subscription keeps a connection without a message. */
const idleMs = 1_000
/** How long a read blocks at most. A stop waits for it. */
const maxBlockMs = 100
/** How long nothing is lent after a connection could not be opened. */
const retryMs = 10_000

/**
 * Lends connections to busy subscriptions, so that they can wait in a read that blocks. A message that comes during such a read takes one
 * round trip less than one that wakes a subscription at rest.
 */
export class Lender {
  readonly #settings: LinkSettings
  readonly #lent = new Set<Loan>()
  #lendAt = 0
  #isClosed = false

  constructor(settings: LinkSettings) {
    this.#settings = settings
  }

  /** Returns a connection that is being opened, or undefined if there is none to be had. */
  lend(): Loan | undefined {
    if (this.#isClosed || this.#lent.size >= maxLent || performance.now() < this.#lendAt) return undefined
    const link = createLink(this.#settings, { onDown: () => loan.end() })
    const loan = new Loan(link, () => this.#lent.delete(loan))
    this.#lent.add(loan)
    loan.begin().catch(() => {
      if (!loan.isOver) this.#lendAt = performance.now() + retryMs
      loan.end()
    })
    return loan
  }

  close(): void {
    this.#isClosed = true
    for (const loan of [...this.#lent]) loan.end()
  }
}

/** A connection that one subscription has for itself, until no message has come over it for a while. */
export class Loan {
  readonly #link: Link
  readonly #onEnd: () => void
  #idle: NodeJS.Timeout | undefined
  #isReading = false
  #isIdle = false

  constructor(link: Link, onEnd: () => void) {
    this.#link = link
    this.#onEnd = onEnd
  }

  /** Rejects as `Link.open` does. */
  async begin(): Promise<void> {
    await this.#link.open()
    this.#idle = setTimeout(() => {
      this.#isIdle = true
      // The answer to a read that is cut off would be lost.
      if (!this.#isReading) this.end()
    }, idleMs)
  }

  get isReady(): boolean {
    return this.#link.isUp
  }

  get isOver(): boolean {
    return this.#link.isClosed
  }

  /**
   * Sends a read that blocks for a moment, at most until a time by `performance.now`. Its answer is null if nothing came. Rejects with a
   * `CommandError`.
   */
  async read(command: string, args: readonly Argument[], until: number): Promise<unknown> {
    const blockMs = Math.min(maxBlockMs, Math.max(1, Math.ceil(until - performance.now())))
    this.#isReading = true
    try {
      const reply = await this.#link.send(command, ['BLOCK', blockMs, ...args])
      if (reply !== null) {
        this.#isIdle = false
        this.#idle?.refresh()
      }
      return reply
    } finally {
      this.#isReading = false
      if (this.#isIdle) this.end()
    }
  }

  end(): void {
    clearTimeout(this.#idle)
    this.#link.close()
    this.#onEnd()
  }
}
