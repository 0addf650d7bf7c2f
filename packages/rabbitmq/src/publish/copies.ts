import { backoff, type GroupRef, type MqError, type TargetRef } from '@mq/core/adapter'
import { pause } from '../connection/waiting.js'
import { delayRoute } from '../topology/delays.js'
import type { Namespace } from '../topology/names.js'
import type { Copier, Copy, CopyResult } from '../wire/copy.js'
import type { LaneOf } from './lanes.js'
import type { Outbox } from './outbox.js'
import type { Letter, Parcel } from './parcel.js'

export interface CopierParts {
  readonly names: Namespace
  readonly outbox: Outbox
  readonly laneOf: LaneOf
  readonly hasQueue: (ref: GroupRef, queue: 'group' | 'dead') => Promise<boolean>
  readonly redeclareGroup: (ref: TargetRef) => Promise<void>
  readonly report: (error: MqError, ref: GroupRef) => void
}

/**
 * Creates the copier, which tries to store a copy until it is stored or abandoned. If the broker has no queue for it, the group is declared
 * again, unless the original is gone: then the group was deleted, and its messages with it.
 */
export function createCopier(parts: CopierParts): Copier {
  const { outbox, redeclareGroup, report } = parts
  const hasOriginal = createLook(parts)
  return (copy) => {
    const letter = letterOf(parts, copy)
    const abandoned = new AbortController()
    let parcel: Parcel | undefined
    const isOver = (): boolean => abandoned.signal.aborted || outbox.isClosed

    async function untilStored(): Promise<CopyResult> {
      const pauses = backoff({ minMs: 100, maxMs: 5_000 })
      for (;;) {
        const sent = outbox.sendOne(letter)
        parcel = sent.parcel
        const { status, routed, error } = await sent.outcome
        if (status === 'stored' && routed !== 'no') return 'stored'
        if (isOver()) return 'abandoned'
        if (error !== undefined && !copy.isOptional) report(error, copy.ref)
        if (parcel?.isImpossible) return 'impossible'
        if (!(await hasOriginal(copy).catch(() => true))) return 'deleted'
        await pause(pauses.next(), abandoned.signal, outbox.closing)
        if (isOver()) return 'abandoned'
        // Once more, as a group is deleted queue by queue.
        try {
          if (!(await hasOriginal(copy))) return 'deleted'
          await redeclareGroup(copy.ref)
        } catch (failure) {
          report(failure as MqError, copy.ref)
        }
      }
    }

    return {
      result: untilStored(),
      abandon(): void {
        abandoned.abort()
        parcel?.giveUp('it is not needed any more')
      },
    }
  }
}

/** Creates the look for the queue of an original. Copies that ask at the same time share one answer. */
function createLook({ names, hasQueue }: CopierParts): (copy: Copy) => Promise<boolean> {
  const looking = new Map<string, Promise<boolean>>()
  return ({ ref, from }) => {
    const name = names[from](ref)
    const look = looking.get(name) ?? hasQueue(ref, from).finally(() => looking.delete(name))
    looking.set(name, look)
    return look
  }
}

function letterOf({ names, laneOf }: CopierParts, { ref, queue, to, delayMs, content, properties }: Copy): Letter {
  const destination = to ?? names[queue](ref)
  if (delayMs <= 0) return { exchange: '', routingKey: destination, need: {}, content, properties }
  const { path, routingKey } = delayRoute(delayMs, destination, laneOf(destination, delayMs))
  const { lane, digit } = path[0]
  return { exchange: names.delays(lane, digit), routingKey, need: { delay: path }, content, properties }
}
