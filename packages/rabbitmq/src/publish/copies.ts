import type { GroupRef, MqError } from '@mq/core/adapter'
import type { Options } from 'amqplib'
import { delayRoute } from '../topology/delays.js'
import type { Namespace } from '../topology/names.js'
import type { Outbox } from './outbox.js'
import { Parcel, type ParcelContent, type Sent } from './parcel.js'

export interface Copy {
  readonly ref: GroupRef
  readonly queue: 'group' | 'dead'
  readonly delayMs: number
  readonly content: Buffer
  readonly properties: Options.Publish
}

/** `impossible`: no broker will ever take it, as its headers do not fit into a frame, or hold what the driver cannot write. */
export type CopyResult = 'stored' | 'abandoned' | 'impossible'

export interface CopyCall {
  readonly result: Promise<CopyResult>
  /** It is not sent if it was not yet. */
  abandon(): void
}

export interface CopierParts {
  readonly names: Namespace
  readonly outbox: Outbox
  /** Declares the group again. */
  readonly restore: (ref: GroupRef) => Promise<void>
  readonly report: (error: MqError, ref: GroupRef) => void
}

const firstRetryMs = 100
const longestRetryMs = 5_000

/**
 * Puts copies of delivered messages into queues of their group. One is tried until it is stored or abandoned: only then may
 * the original be acknowledged.
 */
export function createCopier({ names, outbox, restore, report }: CopierParts) {
  return (copy: Copy): CopyCall => {
    const to = addressed(names, copy)
    let isAbandoned = false
    let parcel: Parcel | undefined
    const isOver = (): boolean => isAbandoned || outbox.isClosed
    const once = (): Promise<Sent> =>
      new Promise((resolve) => {
        parcel = new Parcel(to, resolve)
        outbox.send(parcel)
      })
    const untilStored = async (): Promise<CopyResult> => {
      for (let tries = 0; ; tries++) {
        const sent = await once()
        if (sent.status === 'stored' && !sent.isReturned) return 'stored'
        if (isOver()) return 'abandoned'
        if (sent.status !== 'stored') {
          if (sent.isImpossible) return 'impossible'
          report(sent.error, copy.ref)
        } else await restore(copy.ref).catch((error: MqError) => report(error, copy.ref))
        await new Promise((resolve) => setTimeout(resolve, Math.min(longestRetryMs, firstRetryMs * 2 ** tries)))
        if (isOver()) return 'abandoned'
      }
    }
    return {
      result: untilStored(),
      abandon(): void {
        isAbandoned = true
        parcel?.cancel()
      },
    }
  }
}

export type Copier = ReturnType<typeof createCopier>

function addressed(names: Namespace, { ref, queue, delayMs, content, properties }: Copy): ParcelContent {
  const destination = names[queue](ref)
  const parts = { content, properties, deadline: Number.POSITIVE_INFINITY }
  if (delayMs <= 0) return { exchange: '', routingKey: destination, need: {}, ...parts }
  const { level, routingKey } = delayRoute(delayMs, destination)
  return { exchange: names.delay(level), routingKey, need: { level }, ...parts }
}
