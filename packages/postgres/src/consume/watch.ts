import type { AdapterEvent, GroupPause } from '@mq/core/adapter'
import { isUndefined, operationError, statementError } from '../connection/errors.js'
import type { Link } from '../connection/link.js'
import type { Settings } from '../options.js'
import type { BlockedReporter } from '../publish/blocked.js'
import { inSchema } from '../topology/names.js'
import { goneMs, renewMsOf, tickMsOf } from './lease.js'
import type { Membership } from './membership.js'
import type { Sweeper } from './sweeper.js'

/** The state of a group at the database. */
export interface GroupState {
  readonly paused: GroupPause | undefined
  readonly hasReady: boolean
}

/** A consumer as the watch of its process sees it. */
export interface Watched {
  readonly grp: string
  /** Called with each look. `state` is undefined if the group is gone. */
  onLook(state: GroupState | undefined): void
  /** The claims are over, because the process could not say in time that it is there. */
  onLeaseOver(): void
  /** The server has forgotten the process with its consumers. */
  onForgotten(): void
  /** Called about every second, for what has to be tidied up. */
  onTick(): void
}

export interface WatchParts {
  readonly settings: Settings
  readonly link: Link
  readonly membership: Membership
  readonly blocked: BlockedReporter
  readonly sweeper: Sweeper
  readonly report: (event: AdapterEvent) => void
}

/** How often a process that consumes nothing asks whether the server is there. */
const heartbeatMs = 5_000
/** How often somebody has to look for what processes have left that are gone. */
const tidyMs = 1_000

interface LookRow {
  readonly id: string
  readonly paused_since: number | null
  readonly paused_by: string | null
  readonly has_ready: boolean
  readonly next_ms: number | null
}

/**
 * Does the regular work for all consumers of a process, over the one connection that listens. It looks for messages that are due or that
 * nobody has announced, says that the process is there, and frees what others have left.
 */
export class Watch {
  readonly #parts: WatchParts
  readonly #consumers = new Set<Watched>()
  readonly #texts: { readonly look: string; readonly tidy: string }
  #timer: NodeJS.Timeout | undefined
  #nextAt = Number.POSITIVE_INFINITY
  #isLooking = false
  /** Whether another look was asked for during this one. */
  #isWanted = false
  #isClosed = false
  #leaseTimer: NodeJS.Timeout | undefined
  #renewedAt = Number.NEGATIVE_INFINITY
  #tidiedAt = Number.NEGATIVE_INFINITY
  #isReported = false

  constructor(parts: WatchParts) {
    this.#parts = parts
    const { schema } = parts.settings
    this.#texts = {
      look: inSchema('SELECT * FROM mq.look_1($1)', schema),
      tidy: inSchema('SELECT mq.tidy_1($1, $2)', schema),
    }
  }

  add(consumer: Watched): void {
    this.#consumers.add(consumer)
    this.#leaseTimer ??= setInterval(() => this.#checkLease(), tickMsOf(this.#parts.settings.visibilityMs))
    this.lookWithin(0)
  }

  remove(consumer: Watched): void {
    this.#consumers.delete(consumer)
    if (this.#consumers.size > 0) return
    clearInterval(this.#leaseTimer)
    this.#leaseTimer = undefined
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    clearInterval(this.#leaseTimer)
  }

  /** Looks after this time at the latest. */
  lookWithin(ms: number): void {
    if (this.#isClosed) return
    const at = performance.now() + ms
    if (at >= this.#nextAt) return
    this.#nextAt = at
    clearTimeout(this.#timer)
    // A timer may fire a millisecond early.
    this.#timer = setTimeout(() => void this.#turn(), Math.min(Math.ceil(ms) + 1, heartbeatMs))
  }

  async #turn(): Promise<void> {
    this.#nextAt = Number.POSITIVE_INFINITY
    this.#isWanted = this.#isLooking
    if (this.#isLooking) return
    this.#isLooking = true
    let nextMs = this.#consumers.size > 0 ? this.#parts.settings.pollMs : heartbeatMs
    try {
      if (this.#parts.link.isUp) nextMs = Math.min(nextMs, await this.#work())
      this.#isReported = false
    } catch (error) {
      this.#reportOnce(error)
    } finally {
      this.#isLooking = false
      // This look may have missed the reason for which another one was asked.
      this.lookWithin(this.#isWanted ? 0 : nextMs)
    }
  }

  /** Returns after what time something is due. */
  async #work(): Promise<number> {
    await this.#probeBlock()
    if (this.#consumers.size === 0) {
      await this.#tidy()
      return heartbeatMs
    }
    // After a standstill, what has ended meanwhile is settled before anybody takes it for lost.
    if (!this.#parts.membership.lease.isValid) this.#tidiedAt = performance.now()
    await this.renewIfDue()
    const nextMs = await this.#look()
    if (performance.now() - this.#tidiedAt >= tidyMs) await this.#tidy()
    return nextMs
  }

  async #tidy(): Promise<void> {
    this.#tidiedAt = performance.now()
    for (const consumer of [...this.#consumers]) consumer.onTick()
    const groups = [...new Set([...this.#consumers].map(({ grp }) => grp))]
    await this.#parts.link.query(this.#texts.tidy, [goneMs, groups])
    await this.#parts.sweeper.sweep()
  }

  /** Says that the process is there, unless it has just been said. */
  async renewIfDue(): Promise<void> {
    const { membership, settings } = this.#parts
    if (performance.now() - this.#renewedAt < renewMsOf(settings.visibilityMs) && membership.lease.isValid) return
    const startedAt = performance.now()
    const wasForgotten = await membership.renew()
    this.#renewedAt = startedAt
    if (wasForgotten) for (const consumer of [...this.#consumers]) consumer.onForgotten()
  }

  async #look(): Promise<number> {
    const asked = [...this.#consumers].map((consumer) => ({ consumer, grp: consumer.grp }))
    const groups = [...new Set(asked.map(({ grp }) => grp))]
    const rows = (await this.#parts.link.query(this.#texts.look, [groups])) as readonly unknown[] as readonly LookRow[]
    const found = new Map(rows.map((row) => [row.id, row]))
    let nextMs = Number.POSITIVE_INFINITY
    for (const { consumer, grp } of asked) {
      const row = found.get(grp)
      // It may have left, or made its group again, meanwhile.
      if (!this.#consumers.has(consumer) || consumer.grp !== grp) continue
      if (row?.next_ms != null) nextMs = Math.min(nextMs, Math.max(0, row.next_ms))
      consumer.onLook(row && { paused: pauseOf(row), hasReady: row.has_ready })
    }
    return nextMs
  }

  #checkLease(): void {
    const { lease } = this.#parts.membership
    if (!lease.isValid) for (const consumer of [...this.#consumers]) consumer.onLeaseOver()
  }

  /** Nobody may publish any more after a block, so nobody would notice its end. */
  async #probeBlock(): Promise<void> {
    const { blocked, link, settings } = this.#parts
    if (!blocked.isBlocked) return
    const probe = inSchema("SELECT nextval('mq.message_ids')", settings.schema)
    await link.publishing.query(probe).then(
      () => blocked.noteStored(),
      () => {},
    )
  }

  #reportOnce(cause: unknown): void {
    const error = statementError(cause)
    if (this.#isReported || error.kind !== 'refused') return
    this.#isReported = true
    const what = isUndefined(error) ? 'Looking for messages, whose tables are gone,' : 'Looking for messages'
    this.#parts.report({ type: 'error', error: operationError(what, error) })
  }
}

const pauseOf = ({ paused_since, paused_by }: LookRow): GroupPause | undefined =>
  paused_since === null ? undefined : { since: paused_since, by: paused_by ?? '' }
