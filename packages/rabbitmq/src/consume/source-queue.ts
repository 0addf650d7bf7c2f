import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AdapterEvent, type GroupRef, MqError, type TargetRef } from '@mq/core/adapter'
import type { ChannelModel } from 'amqplib'
import { declareOn, onChannel } from '../connection/channels.js'
import { operationError, reply, replyCode } from '../connection/errors.js'
import type { Link } from '../connection/link.js'
import { isBefore, versionOf } from '../connection/version.js'
import type { Declarations } from '../topology/declarations.js'
import { declareForeignEphemeral, foreignQueueOf } from '../topology/foreign.js'
import type { Namespace } from '../topology/names.js'
import { shareQueues } from '../topology/shares.js'
import { declareEphemeral } from '../topology/topology.js'

export interface SourceQueueParts {
  readonly ref: GroupRef
  readonly target: TargetRef
  readonly isEphemeral: boolean
  /** Its messages are moved to shares. */
  readonly isOrdered: boolean
  readonly link: Link
  readonly names: Namespace
  readonly declarations: Declarations
  readonly report: (event: AdapterEvent) => void
}

/** A queue that a consumer takes messages from. */
export interface Source {
  readonly queue: string
  /** Other programs own it, so it has none of our arguments. */
  readonly isForeign: boolean
}

/** How long a queue may be seen after the broker has cancelled a consumer because it is being deleted. */
const deletedWithinMs = 500
const lookAgainMs = 50

/** Creates the queue that a consumer takes messages from. It is declared when it is missing, and its deletion is reported. */
export function createSourceQueue(parts: SourceQueueParts) {
  const { ref, target, isEphemeral, isOrdered, link, names, declarations, report } = parts
  const queue = names.group(ref)
  const foreignQueue = foreignQueueOf(target)
  let isLossReported = false
  if (isOrdered && !isEphemeral) declarations.markOrdered(ref)

  const declare = (connection: ChannelModel): Promise<void> =>
    declareOn(connection, 'Declaring a group', (channel) => declarations.declareGroup(channel, target))

  const reportLoss = (reason: string): void => report({ type: 'data-loss', ...ref, reason })

  async function isMissing(connection: ChannelModel, queue: string): Promise<boolean> {
    try {
      await onChannel(connection, 'Looking for a queue', (channel) => channel.checkQueue(queue))
      return false
    } catch (error) {
      return replyCode(error) === reply.notFound
    }
  }

  async function prepareEphemeral(connection: ChannelModel): Promise<string> {
    const own = `${names.ephemeral(ref)}--${randomUUID()}`
    await declareOn(connection, 'Declaring an ephemeral group', async (channel) => {
      if (target.at !== undefined) {
        await declareForeignEphemeral(channel, { ref, at: target.at, queue: own })
        return
      }
      await declarations.declareTopic(channel, ref.topic)
      await declareEphemeral(channel, names, { ref, queue: own })
    })
    return own
  }

  /** Returns the first queue of this consumer that does not exist, or soon does not: a broker may cancel first and then delete. */
  async function deletedQueue(connection: ChannelModel, sources: readonly Source[]): Promise<string | undefined> {
    const endsAt = performance.now() + deletedWithinMs
    for (;;) {
      const missing = await missingQueue(connection, sources)
      if (missing !== undefined || performance.now() > endsAt) return missing
      await sleep(lookAgainMs)
    }
  }

  async function missingQueue(connection: ChannelModel, sources: readonly Source[]): Promise<string | undefined> {
    if (await isMissing(connection, queue)) return 'the queue of the group'
    for (const source of sources) {
      if (source.queue !== queue && (await isMissing(connection, source.queue))) return `the queue '${source.queue}'`
    }
    return undefined
  }

  /** Returns the shares of a group that was ordered before: messages may be left there. */
  async function leftShares(connection: ChannelModel): Promise<readonly Source[]> {
    const queues = shareQueues(names, ref)
    if (await isMissing(connection, queues[0] as string)) return []
    return queues.map((share) => ({ queue: share, isForeign: false }))
  }

  return {
    /** Declares the queue and resolves with all queues to consume. `wasReady`: messages have flowed before, so a missing queue is a loss. */
    async prepare(connection: ChannelModel, { wasReady }: { readonly wasReady: boolean }): Promise<readonly Source[]> {
      if (isEphemeral) {
        if (wasReady) reportLoss('an ephemeral subscription had no connection for a while')
        return [{ queue: await prepareEphemeral(connection), isForeign: false }]
      }
      if (wasReady && !isLossReported && (await isMissing(connection, queue))) {
        reportLoss('the queue of the group was deleted')
      }
      await declare(connection)
      isLossReported = false
      const own = { queue, isForeign: false }
      if (foreignQueue !== undefined) return [own, { queue: foreignQueue, isForeign: true }]
      return isOrdered ? [own] : [own, ...(await leftShares(connection))]
    },
    /** Declares the group again, in case its exchanges or bindings were deleted. Never rejects. */
    async redeclare(connection: ChannelModel): Promise<void> {
      try {
        await declare(connection)
      } catch (cause) {
        if (link.connection === connection) report({ type: 'error', error: operationError(cause, 'Declaring'), ...ref })
      }
    },
    /** Called when the broker has cancelled the consumer. Reports a loss and resolves with its reason if the queue was deleted. */
    async lossByCancel(connection: ChannelModel, sources: readonly Source[]): Promise<MqError | undefined> {
      // Since 4.3 the broker also cancels a consumer that has kept a message for too long.
      const mayCancel = !isBefore(versionOf(connection), 4, 3)
      const missing =
        mayCancel || sources.length !== 1 || sources[0]?.queue !== queue
          ? await deletedQueue(connection, sources)
          : 'the queue of the group'
      if (missing === undefined) return undefined
      reportLoss(`${missing} was deleted under its consumer`)
      isLossReported = true
      return new MqError('MQ_OWNERSHIP_LOST', 'The group was deleted')
    },
  }
}

export type SourceQueue = ReturnType<typeof createSourceQueue>
