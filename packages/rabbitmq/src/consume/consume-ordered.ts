import type { ChannelModel } from 'amqplib'
import { pause } from '../connection/waiting.js'
import type { Locks, Release } from '../topology/locks.js'
import type { Namespace } from '../topology/names.js'
import { createShareChoice, shareCount } from '../topology/shares.js'
import { createHoldings, type Holdings } from './holdings.js'
import { type Control, type End, givingBackMs, type RunSessionParts, runSession } from './run-session.js'

// See docs/decisions/0033-rabbitmq-order.md.

export interface OrderedParts extends RunSessionParts {
  readonly names: Namespace
  readonly locks: Locks
  /** The value of `consumer_timeout` at the broker. */
  readonly consumerTimeoutMs: number
  /** Called when messages flow, or when this instance stands by. */
  readonly onReady: () => void
}

/** How many messages are moved at the same time. One of each key is. */
const movedTogether = 64

/** The number of deliveries of a share beyond `concurrency` that may wait for their key. Further ones are not fetched. */
const shareWindow = 64

/**
 * The part of the broker's `consumer_timeout` after which messages that wait for their keys are taken anew. The broker counts from the
 * delivery on. Running handlers finish in the rest of that time.
 */
const renewAfter = 0.5

/** How often an instance looks whether the number of instances has changed, and how often for a while after it has. */
const lookMs = 500
const lookSoonMs = 100
const unsettledMs = 3_000

/** How often an instance looks whether its handlers have ended, so that it can give up shares. */
const quietMs = 20

/** Says whether the group was paused, or why else an instance has ended. */
export type Over = Pick<End, 'by'>

/**
 * Consumes an ordered group together with its other instances. One of them moves what the group gets to the queues of its shares, by the
 * key. Each share belongs to one instance at a time.
 */
export async function consumeOrdered(connection: ChannelModel, parts: OrderedParts): Promise<Over> {
  const { names, ref, locks, stopRequested } = parts
  const ending = new AbortController()
  const { signal } = ending
  const endBoth = (): void => ending.abort()
  stopRequested.addEventListener('abort', endBoth)
  if (stopRequested.aborted) endBoth()
  let over: Over = { by: 'stop' }
  const stopTimeoutMs = (): number => (over.by === 'pause' ? givingBackMs : parts.stopTimeoutMs())
  const halfParts: OrderedParts = { ...parts, stopRequested: signal, stopTimeoutMs }
  const holdings = createHoldings({ connection, ref, names, locks, signal })
  let join!: () => void
  const joined = new Promise<void>((resolve) => {
    join = resolve
  })
  const moving = moveToShares(connection, halfParts, join).finally(() => {
    join()
    endBoth()
  })
  const hold = async (): Promise<void> => {
    await joined
    over = await holdShares(connection, halfParts, holdings)
  }
  const holding = hold().finally(endBoth)
  try {
    for (const half of await Promise.allSettled([moving, holding])) if (half.status === 'rejected') throw half.reason
    return over
  } finally {
    stopRequested.removeEventListener('abort', endBoth)
    await holdings.keep(0)
  }
}

/** Counts as an instance of the group, and moves its messages while no other one does. */
async function moveToShares(connection: ChannelModel, parts: OrderedParts, onJoined: () => void): Promise<void> {
  const { names, ref, ownQueue, locks, stopRequested } = parts
  const shareOf = createShareChoice()
  let release: Release = async () => undefined
  try {
    await runSession(
      connection,
      { ...parts, options: { ...parts.options, concurrency: movedTogether } },
      {
        // It is always empty. The number of its consumers is the number of instances.
        sources: [{ queue: names.roster(ref), isForeign: false }],
        prefetch: 2 * movedTogether,
        maxUnsettled: 2 * movedTogether,
        endsWithChannel: true,
        moveTo: (key) => names.share(ref, shareOf(key)),
        onConsuming({ consume, end }) {
          onJoined()
          const moving = (async () => {
            const held = await locks.hold(connection, { name: names.lock(ref), queue: ownQueue }, stopRequested)
            release = held ?? release
            if (held === undefined || stopRequested.aborted) return
            await consume({ queue: ownQueue, isForeign: false })
          })().catch((fault: unknown) => end({ by: 'channel', fault }))
          return () => moving
        },
      },
    )
  } finally {
    await release()
  }
}

/** Handles the messages of the shares that this instance holds. */
async function holdShares(connection: ChannelModel, parts: OrderedParts, holdings: Holdings): Promise<Over> {
  const { gate, options, stopRequested } = parts
  const prefetch = options.concurrency + shareWindow
  const pace = createPace()
  while (!stopRequested.aborted) {
    if (gate.paused !== undefined) return { by: 'pause' }
    const quota = pace.seen(await holdings.quota())
    await holdings.take(quota)
    parts.onReady()
    if (holdings.count === 0) {
      await pause(pace.ms, stopRequested)
      continue
    }
    const { by } = await runSession(connection, parts, {
      sources: holdings.sources,
      prefetch,
      maxUnsettled: shareCount * prefetch,
      endsWithChannel: true,
      onConsuming: (control) =>
        balancing({ control, holdings, pace, renewAfterMs: renewAfter * parts.consumerTimeoutMs }),
    })
    if (by !== 'renewal') return { by }
    await holdings.keep(pace.seen(await holdings.quota()))
  }
  return { by: 'stop' }
}

/** Creates the pace at which an instance looks for changes: faster for a while after one. */
function createPace() {
  let last: number | undefined
  let changedAt = performance.now()
  return {
    seen(quota: number): number {
      if (quota !== last) changedAt = performance.now()
      last = quota
      return quota
    },
    get ms(): number {
      return performance.now() - changedAt < unsettledMs ? lookSoonMs : lookMs
    },
  }
}

interface Balancing {
  readonly control: Control
  readonly holdings: Holdings
  readonly pace: ReturnType<typeof createPace>
  readonly renewAfterMs: number
}

/**
 * Takes shares that nobody holds any more. Ends the session once no handler runs if it has more shares than it may have, or if messages
 * have waited too long for their keys.
 */
function balancing({ control, holdings, pace, renewAfterMs }: Balancing): () => Promise<void> {
  const { session, consume, end } = control
  const over = new AbortController()
  let isRenewing = false

  async function look(): Promise<void> {
    if (!isRenewing) {
      const quota = pace.seen(await holdings.quota())
      for (const source of await holdings.take(quota)) await consume(source)
      isRenewing = holdings.count > quota || session.waitedMs >= renewAfterMs
      if (isRenewing) session.pause()
    }
    if (isRenewing && !session.isRunning) end({ by: 'renewal' })
  }

  async function watch(): Promise<void> {
    while (!over.signal.aborted) {
      await pause(isRenewing ? quietMs : pace.ms, over.signal)
      if (!over.signal.aborted) await look()
    }
  }

  const watching = watch().catch((fault: unknown) => end({ by: 'channel', fault } satisfies End))
  return () => {
    over.abort()
    return watching
  }
}
