import { MqError } from '@mq/core/adapter'
import type { Link } from '../connection/link.js'
import { goneMs } from '../connection/presence.js'
import type { GroupPlace } from '../wire/keys.js'
import { renewScript } from '../wire/scripts/claim.js'
import type { Run, Runs } from './runs.js'

export interface ClaimsParts {
  readonly place: GroupPlace
  /** The name of the consumer at the broker. */
  readonly name: string
  readonly link: Link
  readonly runs: Runs
  readonly visibilityMs: number
  /** Whether the server certainly sees that this process is there. Otherwise its claims hold for `goneMs` only. */
  readonly isPresent: () => boolean
}

/** How long a consumer counts as present after it has said so. It does that when it tidies up, and when it renews claims. */
export const presentMs = (visibilityMs: number): number => Math.max(visibilityMs, 30_000)

/** How many claims one script renews. */
const maxRenewals = 500
/** How often claims are renewed, and looked after, at least. */
const maxRenewMs = 1_000
const maxTickMs = 250
/** The part of the time that a claim holds after which its handler must have learned of the loss. */
const certainPart = 0.9

const renewMsOf = (visibilityMs: number): number => Math.min(visibilityMs / 3, maxRenewMs)
const tickMsOf = (visibilityMs: number): number => Math.min(visibilityMs / 12, maxTickMs)

/** How long an event loop may be held, even just before a renewal, before its process gives its claims up. */
export const maxStallMs = (visibilityMs: number): number =>
  Math.floor(certainPart * visibilityMs - renewMsOf(visibilityMs) - tickMsOf(visibilityMs))

/**
 * Renews the claims of all messages that are being handled, every second, or every third of the time that a claim holds if that is less.
 * If a claim is taken over or cannot be renewed in time, the signal of its handler aborts before another consumer may begin.
 */
export function keepClaims({ place, name, link, runs, visibilityMs, isPresent }: ClaimsParts): { stop(): void } {
  const renewMs = renewMsOf(visibilityMs)
  let isRenewing = false
  let renewedAt = performance.now()

  async function renewAll(): Promise<void> {
    const all = runs.all
    for (let at = 0; at < all.length; at += maxRenewals) await renew(all.slice(at, at + maxRenewals))
  }

  async function renew(some: readonly Run[]): Promise<void> {
    const requestedAt = performance.now()
    const { stream, retry, consumers, started } = place.keys
    const args = some.flatMap((run) => [
      run.kind,
      run.id,
      run.isRenewed ? -1 : Math.max(0, Math.round(requestedAt - run.claimedAt)),
    ])
    const head = [place.consumerGroup, name, presentMs(visibilityMs)]
    const renewed = (await link.run(
      renewScript,
      [stream, retry, consumers, started],
      [...head, ...args],
    )) as readonly number[]
    some.forEach((run, index) => {
      if (renewed[index] === 1) {
        run.claimedAt = requestedAt
        run.isRenewed = true
      } else if (!run.isSettling)
        runs.lose(run, new MqError('MQ_OWNERSHIP_LOST', 'Another consumer owns the message now'))
    })
  }

  const timer = setInterval(() => {
    const now = performance.now()
    const holdsMs = isPresent() ? visibilityMs : Math.min(visibilityMs, goneMs)
    for (const run of runs.all) {
      if (now - run.claimedAt < certainPart * holdsMs) continue
      runs.lose(run, new MqError('MQ_CONNECTION_LOST', 'The claim on the message could not be renewed in time'))
    }
    if (isRenewing || runs.size === 0 || now - renewedAt < renewMs) return
    isRenewing = true
    renewedAt = now
    renewAll()
      // The next renewal follows in time. Until then the age of each claim decides.
      .catch(() => {})
      .finally(() => {
        isRenewing = false
      })
  }, tickMsOf(visibilityMs))

  return { stop: () => clearInterval(timer) }
}
