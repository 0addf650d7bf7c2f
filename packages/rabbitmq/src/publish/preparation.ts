import type { Fifo } from '@mq/core/adapter'
import type { Channel, ChannelModel } from 'amqplib'
import { declareOn } from '../connection/channels.js'
import { operationError, replyCode } from '../connection/errors.js'
import type { Declarations, Need } from '../topology/declarations.js'
import type { DelayPath } from '../topology/delays.js'
import type { Parcel } from './parcel.js'

const retryMs = 50

/** How many of the messages that wait are looked at for the delay queues that they need. */
const maxLookahead = 1_000
/** A broker takes a moment to start a queue, and starts several side by side. */
const parallelDelays = 4

export interface PreparationParts {
  readonly declarations: Declarations
  readonly waiting: Fifo<Parcel>
  readonly connection: () => ChannelModel | undefined
  readonly onEnd: () => void
}

/** Creates the step that declares what a waiting message needs. Nothing is sent meanwhile, so that the order is kept. */
export function createPreparation({ declarations, waiting, connection, onEnd }: PreparationParts) {
  let isUnderWay = false

  function giveUpAllThatNeed({ topic, delay }: Need, cause: unknown): void {
    for (const parcel of waiting) {
      const { need } = parcel.letter
      if (need.topic !== topic || need.delay?.[0] !== delay?.[0] || declarations.isReady(need)) continue
      parcel.giveUp('what it needs could not be declared', operationError(cause, 'Declaring a topic'))
    }
  }

  /** Declares the delay queues of those that wait next, several at a time. */
  async function declareDelays(used: ChannelModel): Promise<void> {
    const left: DelayPath[] = []
    let looked = 0
    for (const { letter } of waiting) {
      const { delay } = letter.need
      if (delay !== undefined && !declarations.isReady({ delay })) left.push(delay)
      looked += 1
      if (looked === maxLookahead) break
    }
    if (left.length === 0) return
    const declareSome = async (channel: Channel): Promise<void> => {
      for (let delay = left.shift(); delay !== undefined; delay = left.shift()) {
        if (!declarations.isReady({ delay })) await declarations.declare(channel, { delay })
      }
    }
    const parts = Array.from({ length: parallelDelays }, () => declareOn(used, 'Declaring delays', declareSome))
    await Promise.all(parts)
  }

  return {
    get isUnderWay(): boolean {
      return isUnderWay
    },
    async start(need: Need): Promise<void> {
      const used = connection()
      if (used === undefined) return
      isUnderWay = true
      try {
        await declareOn(used, 'Declaring a topic', (channel) => declarations.declare(channel, need))
        await declareDelays(used)
      } catch (cause) {
        // If the connection is gone, everything is tried again on the next one.
        if (used !== connection()) return
        if (replyCode(cause) !== undefined) giveUpAllThatNeed(need, cause)
        else await new Promise((resolve) => setTimeout(resolve, retryMs))
      } finally {
        isUnderWay = false
        onEnd()
      }
    },
  }
}
