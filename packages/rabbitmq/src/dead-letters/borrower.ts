import { MqError } from '@mq/core/adapter'
import type { Channel, ConsumeMessage } from 'amqplib'
import { inTime } from '../connection/answers.js'
import { cancelConsumer } from '../connection/cancel.js'
import { countsOf } from '../connection/counts.js'
import { pause } from '../connection/waiting.js'

/** The first page has one message. Pages grow while their messages are small, because nobody knows the size of the next one. */
const maxPage = 256
const maxPageBytes = 8 * 1024 * 1024

/** An expected message counts as gone if nothing has come for so many of these periods. */
const quietMs = 1_000
const maxQuiet = 10
/** After so many of them the broker is asked whether there are any left. Its answer comes behind what it has sent. */
const quietBeforeAsking = 2
/** A connection that carries more than this in a period is not quiet: a large message may be on its way. */
const quietBytes = 64 * 1024

/** How long another consumer may take to be gone. */
const aloneMs = 5_000
const alonePollMs = 50

/** How long it may take until returned messages can be borrowed again, once the broker has answered. */
const returnMs = 2_000
const returnPollMs = 5

/** The broker keeps all but 32 answers to a queue until those are stored, and forgets them when the channel closes. */
const maxSingleAcks = 16
const settleMs = 250

/**
 * Takes messages out of a queue, the oldest first, and puts back those that were not acknowledged, where they were. It consumes a page at a
 * time instead of fetching messages one by one, because the broker keeps the order only among the messages of one consumer.
 */
export interface Borrower {
  /** The number of messages in the queue at the beginning. No later ones are borrowed. */
  readonly ready: number
  /**
   * Resolves with the next messages, at most `max` and about 8 MiB of them, and with none once all have been there. Rejects if the channel
   * was lost.
   */
  page(max?: number): Promise<readonly ConsumeMessage[]>
  /** Removes messages of the last page, with as few frames as possible. */
  acknowledge(messages: readonly ConsumeMessage[]): void
  /** Returns how many messages were there at the beginning and have not come, because they have expired or a program has fetched them. */
  gone(): number
  /** Puts the rest back. Resolves with how many of them others can see, or with undefined if that is not known. */
  end(): Promise<Returned | undefined>
}

interface Returned {
  readonly expected: number
  readonly found: number
}

export async function borrowFrom(channel: Channel, queue: string): Promise<Borrower> {
  /** The delivery tags of each page that are neither acknowledged nor returned. */
  const pages: Set<number>[] = []
  let isOver = false
  let wake = (): void => undefined
  channel.on('close', () => {
    isOver = true
    wake()
  })
  const ready = await untilAlone(channel, queue)
  let left = ready
  let gone = 0
  let size = 1
  let singleAcks = 0

  /** Waits until so many have come, or nothing comes for too long. */
  async function untilCome(count: number, tags: ReadonlySet<number>): Promise<void> {
    const isDone = (): boolean => tags.size >= count || isOver
    for (let quiet = 0; quiet < maxQuiet && !isDone(); quiet++) {
      if (quiet >= quietBeforeAsking && (await countsOf(channel, queue)).messageCount === 0) return
      const before = [tags.size, bytesRead(channel)] as const
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, quietMs)
        wake = () => {
          if (!isDone()) return
          clearTimeout(timer)
          resolve()
        }
      })
      if (tags.size > before[0] || bytesRead(channel) - before[1] > quietBytes) quiet = -1
    }
  }

  /** Consumes so many messages and no more. The first ones keep their bodies; those beyond the size of a page are put back. */
  async function consume(count: number): Promise<ConsumeMessage[]> {
    const messages: ConsumeMessage[] = []
    const beyond: ConsumeMessage[] = []
    const tags = new Set<number>()
    let bytes = 0
    let largest = 1
    await inTime(channel.prefetch(count))
    const consuming = channel.consume(queue, (message) => {
      if (message === null) isOver = true
      else {
        if (bytes < maxPageBytes) messages.push(message)
        else beyond.push({ ...message, content: Buffer.alloc(0) })
        tags.add(message.fields.deliveryTag)
        bytes += message.content.length
        largest = Math.max(largest, message.content.length)
      }
      wake()
    })
    pages.push(tags)
    const { consumerTag } = await inTime(consuming)
    await untilCome(count, tags)
    if (isOver) throw new MqError('MQ_CONNECTION_LOST', 'The channel to the dead letters was lost')
    // Not before all have come: the channel would drop one that is on its way. Not later: answers would let more come.
    await inTime(cancelConsumer(channel, consumerTag))
    gone += count - tags.size
    if (beyond.length > 0) await putBack(beyond, tags)
    size = Math.max(1, Math.min(maxPage, 2 * count, Math.floor(maxPageBytes / largest)))
    left -= count - beyond.length
    return messages
  }

  /** Puts messages back that are too much for a page. They come again behind those that were put back before. */
  async function putBack(beyond: readonly ConsumeMessage[], tags: Set<number>): Promise<void> {
    const { messageCount } = await countsOf(channel, queue)
    for (const message of beyond) {
      tags.delete(message.fields.deliveryTag)
      channel.nack(message)
    }
    await untilSeen(messageCount + beyond.length)
  }

  async function putAllBack(): Promise<Returned> {
    let { messageCount: expected } = await countsOf(channel, queue)
    for (const tags of pages) {
      const last = [...tags].at(-1)
      if (last === undefined) continue
      // Those before it are of this page, because earlier pages are back already.
      channel.nack(withTag(last), true, true)
      expected += tags.size
    }
    return { expected, found: await untilSeen(expected) }
  }

  /** Resolves with the number of messages in the queue, once so many are there again or after a moment. */
  async function untilSeen(expected: number): Promise<number> {
    const endsAt = performance.now() + returnMs
    for (;;) {
      const { messageCount: found } = await countsOf(channel, queue)
      if (found >= expected || performance.now() > endsAt) return found
      await pause(returnPollMs)
    }
  }

  return {
    ready,
    async page(max = maxPage) {
      // Those of a whole page may have expired.
      for (let count = Math.min(left, size, max); count > 0; count = Math.min(left, size, max)) {
        const messages = await consume(count)
        if (messages.length > 0) return messages
      }
      return []
    },
    gone: () => gone,
    acknowledge(messages) {
      if (isOver) return
      const wanted = new Set(messages.map(({ fields }) => fields.deliveryTag))
      const open = pages.flatMap((tags) => [...tags])
      const kept = open.findIndex((tag) => !wanted.has(tag))
      const [first, others] = kept === -1 ? [open, []] : [open.slice(0, kept), open.slice(kept)]
      const last = first.at(-1)
      if (last !== undefined) channel.ack(withTag(last), true)
      const single = others.filter((tag) => wanted.has(tag))
      for (const tag of single) channel.ack(withTag(tag))
      singleAcks += single.length
      for (const tags of pages) for (const tag of [...first, ...single]) tags.delete(tag)
    },
    async end() {
      try {
        if (isOver) return undefined
        const returned = await putAllBack()
        if (singleAcks > maxSingleAcks) await pause(settleMs)
        return returned
      } catch {
        // The broker puts them back when the channel closes.
        return undefined
      } finally {
        isOver = true
      }
    },
  }
}

const withTag = (deliveryTag: number): ConsumeMessage => ({ fields: { deliveryTag } }) as ConsumeMessage

/** Waits for an earlier borrower whose connection was lost, and resolves with the number of messages then. */
async function untilAlone(channel: Channel, queue: string): Promise<number> {
  const endsAt = performance.now() + aloneMs
  for (;;) {
    const { messageCount, consumerCount } = await countsOf(channel, queue)
    if (consumerCount === 0) return messageCount
    if (performance.now() > endsAt) {
      throw new MqError(
        'MQ_OPERATION_FAILED',
        `A part of the dead letters is not seen: another program consumes '${queue}'`,
      )
    }
    await pause(alonePollMs)
  }
}

/** Returns how much the connection has received. */
function bytesRead({ connection }: Channel): number {
  const { stream } = connection as unknown as { readonly stream?: { readonly bytesRead?: unknown } }
  return typeof stream?.bytesRead === 'number' ? stream.bytesRead : 0
}
