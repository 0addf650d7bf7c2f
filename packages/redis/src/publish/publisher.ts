import { type OutgoingMessage, type PublishCall, pendingPublishes, type StoreOutcome } from '@mq/core/adapter'
import type { Link } from '../connection/link.js'
import type { Settings } from '../options.js'
import { packMessage } from '../wire/fields.js'
import { topicsKey } from '../wire/keys.js'
import { addTopicScript } from '../wire/scripts/names.js'
import type { Parcel } from './batch.js'
import { Outbox } from './outbox.js'

/** How many names of topics a process remembers. */
const maxListed = 10_000

export type Publisher = ReturnType<typeof createPublisher>

/** Creates the publisher of all topics. Each of its calls ends in time. */
export function createPublisher(settings: Settings, link: Link) {
  const outboxes = new Map<string, Outbox>()
  const pending = pendingPublishes<Parcel>({
    late: ({ maybeStored }) => ({
      why: maybeStored ? 'Redis gave no answer in time' : 'Redis could not be reached in time',
    }),
    onSweep: (givenUp) => {
      if (givenUp > 0) for (const outbox of outboxes.values()) outbox.forgetSettled()
    },
  })
  let count = 0
  let listed = new Set<string>()
  let listedAt = -1

  /** Adds the topic to the list of all topics, once for as long as the connection lasts. Consumers add theirs, too. */
  function list(topic: string): void {
    if (listedAt !== link.generation || listed.size >= maxListed) listed = new Set()
    listedAt = link.generation
    if (listed.has(topic)) return
    listed.add(topic)
    link.run(addTopicScript, [topicsKey(settings.prefix)], [topic]).catch(() => listed.delete(topic))
  }

  function outboxOf(topic: string): Outbox {
    let outbox = outboxes.get(topic)
    if (outbox === undefined) {
      list(topic)
      outbox = new Outbox({ topic, settings, link, onEmpty: () => void outboxes.delete(topic) })
      outboxes.set(topic, outbox)
    }
    return outbox
  }

  return {
    publish(topic: string, messages: readonly OutgoingMessage[], call: PublishCall): Promise<readonly StoreOutcome[]> {
      const outbox = outboxOf(topic)
      return pending.add(call, messages.length, (pendingCall, index) => {
        const message = messages[index] as OutgoingMessage
        const { key, delayMs = 0 } = message
        const { head, body } = packMessage(message, delayMs)
        const parcel: Parcel = {
          call: pendingCall,
          index,
          number: count++,
          key,
          isDelayed: delayMs > 0,
          head,
          body,
          maybeStored: false,
        }
        outbox.add(parcel)
        return parcel
      })
    },
    /** Waits until no call is pending, or for the time given. Then gives up the rest. */
    async close(timeoutMs: number): Promise<void> {
      await pending.close(timeoutMs)
      for (const outbox of outboxes.values()) outbox.close()
    },
  }
}
