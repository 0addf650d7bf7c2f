import type { GroupRef } from '@mq/core/adapter'
import type { ChannelModel } from 'amqplib'
import { answerFrom } from '../connection/answers.js'
import { keepChannels } from '../connection/channel-budget.js'
import { consumeOrdered, type OrderedParts } from './consume-ordered.js'
import { runSession } from './run-session.js'

export interface ConsumeOnParts extends OrderedParts {
  readonly wasReady: () => boolean
}

/** The number of deliveries beyond `concurrency` that may wait for their key in an ordered subscription that is ephemeral. */
const orderedWindow = 256

/** Other programs may delete exchanges and bindings, of which a consumer gets no notice. */
const redeclareEveryMs = 30_000

/** Consumes over one connection. Resolves when a stop is done, or when its channel gives no more messages. */
export async function consumeOn(connection: ChannelModel, parts: ConsumeOnParts): Promise<void> {
  const { options, queue } = parts
  const isOrderedGroup = options.ordered && !options.ephemeral
  // An ordered group has a channel for what it moves.
  const giveChannelsBack = keepChannels(connection, isOrderedGroup ? 2 : 1, subscriptionOf(parts.ref))
  const timers: NodeJS.Timeout[] = []
  try {
    const sources = await answerFrom(connection, queue.prepare(connection, { wasReady: parts.wasReady() }))
    if (!options.ephemeral) timers.push(setInterval(() => void queue.redeclare(connection), redeclareEveryMs))
    if (isOrderedGroup) {
      await consumeOrdered(connection, parts)
      return
    }
    const prefetch = options.concurrency + (options.ordered ? orderedWindow : 0)
    await runSession(connection, parts, {
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
  } finally {
    for (const timer of timers) clearInterval(timer)
    giveChannelsBack()
  }
}

const subscriptionOf = ({ topic, group }: GroupRef): string => `The subscription to '${topic}' for '${group}'`
