import type { Link } from '../connection/link.js'
import { positionScript } from '../wire/scripts/ephemeral.js'
import type { ConsumerParts } from './running-consumer.js'

export interface PositionParts extends Pick<ConsumerParts, 'settings' | 'place' | 'report'> {
  /** The name of the subscription at the broker. */
  readonly name: string
  readonly link: Link
}

/**
 * Follows how far an ephemeral subscription has read its stream, and reports messages that it missed. For that it compares the number of
 * entries that it read with the number that were ever added. Reading the broker's position also says that the subscription is there.
 */
export function trackPosition({ settings, place, report, name, link }: PositionParts) {
  const { stream, listeners } = place.keys
  const ref = { topic: place.topic, group: place.group }
  let lastId = '0-0'
  let count = 0

  async function readEnd(): Promise<{ readonly lastId: string; readonly added: number }> {
    const reply = await link.run(positionScript, [stream, listeners], [name, settings.visibilityMs])
    const [id, added] = reply as readonly [Buffer, number]
    return { lastId: String(id), added }
  }

  return {
    /** The id of the entry that was read last. */
    get lastId(): string {
      return lastId
    },
    /** Starts at the end of the stream. Rejects with a `CommandError`. */
    async start(): Promise<void> {
      const end = await readEnd()
      lastId = end.lastId
      count = end.added
    },
    /** Says to publishers that the subscription is still there. */
    async announce(): Promise<void> {
      await readEnd()
    },
    advance(id: string): void {
      lastId = id
      count += 1
    },
    /** Reports lost messages, once all entries were read: entries that are still to come must not count as lost. */
    async checkLoss(): Promise<void> {
      const end = await readEnd()
      if (end.lastId === lastId) {
        if (end.added > count) {
          const reason = 'messages were trimmed before an ephemeral subscription had read them'
          report({ type: 'data-loss', ...ref, reason, count: end.added - count })
        }
        count = end.added
      } else if (end.added < count) {
        report({ type: 'data-loss', ...ref, reason: 'the stream vanished at the broker' })
        lastId = '0-0'
        count = 0
      }
    },
  }
}
