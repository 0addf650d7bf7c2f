/** How long a message stays with a process that has left the server and no longer says that it is there. */
export const goneMs = 3_500

/** How often a process says that it is there, and looks after its claims, at least. */
const maxRenewMs = 1_000
const maxTickMs = 250
/** The part of the time that a claim holds after which its handler must have learned of the loss. */
const certainPart = 0.9

export const renewMsOf = (visibilityMs: number): number => Math.min(visibilityMs / 3, maxRenewMs)
export const tickMsOf = (visibilityMs: number): number => Math.min(visibilityMs / 12, maxTickMs)

/** How long an event loop may be held, even just before a renewal, before its process gives its claims up. */
export const maxStallMs = (visibilityMs: number): number =>
  Math.floor(certainPart * visibilityMs - renewMsOf(visibilityMs) - tickMsOf(visibilityMs))

export interface LeaseParts {
  readonly visibilityMs: number
  /** Whether the process shows that it is there by a lock of its session. */
  readonly hasPresence: boolean
  /** Whether the session is open now. */
  readonly isPresent: () => boolean
}

/**
 * The right of a process to what it has claimed. It counts from the moment at which the last renewal that succeeded was sent, and ends here
 * before anybody else may take a message over. See docs/decisions/0049-postgres-presence.md.
 */
export class Lease {
  readonly #parts: LeaseParts
  #renewedAt = Number.NEGATIVE_INFINITY

  constructor(parts: LeaseParts) {
    this.#parts = parts
  }

  noteRenewed(sentAt: number): void {
    this.#renewedAt = sentAt
  }

  get isValid(): boolean {
    const { visibilityMs, hasPresence, isPresent } = this.#parts
    const holdsMs = !hasPresence || isPresent() ? visibilityMs : Math.min(visibilityMs, goneMs)
    return performance.now() - this.#renewedAt < certainPart * holdsMs
  }
}
