import type { ConsumeOptions, GroupRef } from '@mq/core/adapter'
import type { ChannelModel } from 'amqplib'
import { answerFrom } from '../connection/answers.js'
import { keepChannels } from '../connection/channel-budget.js'
import { pause } from '../connection/waiting.js'
import { consumeOrdered, type OrderedParts } from './consume-ordered.js'
import { type End, runSession } from './run-session.js'
import type { Source } from './source-queue.js'

export interface ConsumeOnParts extends OrderedParts {
  readonly wasReady: () => boolean
}

/** The number of deliveries beyond `concurrency` that may wait for their key in an ordered subscription that is ephemeral. */
const orderedWindow = 256

/** Other programs may delete exchanges and bindings, of which a consumer gets no notice. */
const redeclareEveryMs = 30_000

/** Consumes over one connection. Resolves when a stop is done, or when its channel gives no more messages. */
export async function consumeOn(connection: ChannelModel, parts: ConsumeOnParts): Promise<void> {
  const { options, queue, gate } = parts
  // An ordered group has a channel for what it moves.
  const giveChannelsBack = keepChannels(connection, isOrderedGroup(options) ? 2 : 1, subscriptionOf(parts.ref))
  const timers: NodeJS.Timeout[] = []
  try {
    for (;;) {
      const sources = await answerFrom(connection, queue.prepare(connection, { wasReady: parts.wasReady() }))
      if (gate.paused !== undefined) {
        parts.onReady()
        if (await untilResumed(connection, parts)) continue
        return
      }
      if (!options.ephemeral && timers.length === 0) {
        // A consumer that stops must not make a group again that was deleted meanwhile.
        const redeclare = (): void => {
          if (!parts.stopRequested.aborted) void queue.redeclare(connection)
        }
        timers.push(setInterval(redeclare, redeclareEveryMs))
      }
      const { by } = await consumeFrom(connection, parts, sources)
      if (by !== 'pause') return
      for (const timer of timers.splice(0)) clearInterval(timer)
    }
  } finally {
    for (const timer of timers) clearInterval(timer)
    giveChannelsBack()
  }
}

const isOrderedGroup = ({ ordered, ephemeral }: ConsumeOptions): boolean => ordered && !ephemeral

async function consumeFrom(
  connection: ChannelModel,
  parts: ConsumeOnParts,
  sources: readonly Source[],
): Promise<Pick<End, 'by'>> {
  const { options } = parts
  if (isOrderedGroup(options)) return await consumeOrdered(connection, parts)
  const prefetch = options.concurrency + (options.ordered ? orderedWindow : 0)
  return await runSession(connection, parts, {
    sources,
    prefetch,
    // The broker counts for each queue.
    maxUnsettled: sources.length * prefetch,
    endsWithChannel: false,
    onConsuming() {
      parts.onReady()
      return async () => undefined
    },
  })
}

/**
 * Waits until the group is resumed, or for the time after which it is declared again, and resolves with true. Resolves with false if the
 * connection is lost or a stop is requested.
 */
async function untilResumed(connection: ChannelModel, { gate, stopRequested }: ConsumeOnParts): Promise<boolean> {
  const over = new AbortController()
  let isLost = false
  const lose = (): void => {
    isLost = true
    over.abort()
  }
  const stopListening = gate.onChange(() => {
    if (gate.paused === undefined) over.abort()
  })
  connection.on('close', lose)
  await pause(redeclareEveryMs, over.signal, stopRequested)
  connection.removeListener('close', lose)
  stopListening()
  return !isLost && !stopRequested.aborted
}

const subscriptionOf = ({ topic, group }: GroupRef): string => `The subscription to '${topic}' for '${group}'`
