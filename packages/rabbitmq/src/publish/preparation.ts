import type { Fifo } from '@mq/core/adapter'
import type { ChannelModel } from 'amqplib'
import { declareOn } from '../connection/channels.js'
import { operationError, replyCode } from '../connection/errors.js'
import type { Declarations, Need } from '../topology/declarations.js'
import type { Parcel } from './parcel.js'

const retryMs = 50

export interface PreparationParts {
  readonly declarations: Declarations
  readonly waiting: Fifo<Parcel>
  readonly connection: () => ChannelModel | undefined
  readonly onEnd: () => void
}

/** Creates the step that declares what a waiting message needs. Nothing is sent meanwhile, so that the order is kept. */
export function createPreparation({ declarations, waiting, connection, onEnd }: PreparationParts) {
  let isUnderWay = false

  function giveUpAllThatNeed({ topic, level }: Need, cause: unknown): void {
    for (const parcel of waiting) {
      const { need } = parcel.letter
      if (need.topic !== topic || need.level !== level || declarations.isReady(need)) continue
      parcel.giveUp('what it needs could not be declared', operationError(cause, 'Declaring a topic'))
    }
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
