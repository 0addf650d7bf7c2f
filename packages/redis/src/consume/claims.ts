import { MqError } from '@mq/core/adapter'
import type { Link } from '../connection/link.js'
import type { GroupPlace } from '../wire/keys.js'
import { renewScript } from '../wire/scripts/claim.js'
import type { Run, Runs } from './runs.js'

export interface ClaimsParts {
  readonly place: GroupPlace
  readonly name: string
  readonly link: Link
  readonly runs: Runs
  readonly visibilityMs: number
}

const renewedAtOnce = 500

/**
 * Renews the claims on all messages that are being handled, every third of the time that they hold. A handler whose claim is
 * taken over, or cannot be renewed in time, is told by its signal before another consumer may begin.
 */
export function keepClaims({ place, name, link, runs, visibilityMs }: ClaimsParts): { stop(): void } {
  let renewing = false
  let renewedAt = performance.now()

  async function renew(): Promise<void> {
    const all = runs.all
    for (let at = 0; at < all.length; at += renewedAtOnce) await renewSome(all.slice(at, at + renewedAtOnce))
  }

  async function renewSome(some: readonly Run[]): Promise<void> {
    const askedAt = performance.now()
    const args = some.flatMap(({ kind, id }) => [kind, id])
    const keys = [place.keys.stream, place.keys.retry]
    const renewed = (await link.run(renewScript, keys, [place.group, name, ...args])) as readonly number[]
    some.forEach((run, index) => {
      if (renewed[index] === 1) run.claimedAt = askedAt
      else if (!run.settling) runs.lose(run, new MqError('MQ_OWNERSHIP_LOST', 'Another consumer owns the message now'))
    })
  }

  const timer = setInterval(() => {
    const now = performance.now()
    for (const run of runs.all) {
      if (now - run.claimedAt < 0.9 * visibilityMs) continue
      runs.lose(run, new MqError('MQ_CONNECTION_LOST', 'The claim on the message could not be renewed in time'))
    }
    if (renewing || runs.size === 0 || now - renewedAt < visibilityMs / 3) return
    renewing = true
    renewedAt = now
    renew()
      // It is tried again in time; what that means for each message, its claim's age says.
      .catch(() => {})
      .finally(() => {
        renewing = false
      })
  }, visibilityMs / 12)

  return { stop: () => clearInterval(timer) }
}
