import type { OutgoingMessage, RunStatement, StoreOutcome } from '@mq/core/adapter'
import { operationError } from '../connection/errors.js'
import type { Link } from '../connection/link.js'
import type { Settings } from '../options.js'
import { inSchema } from '../topology/names.js'
import { encodedRow } from '../wire/row.js'
import type { Written } from './commit-watch.js'
import { outcomesOf, runWithin } from './within.js'

// See docs/decisions/0053-postgres-transactions.md.

/** A topic that transactions can write to. */
interface Place {
  /** Tells these tables from those of another database. */
  readonly queue: string
  readonly topicId: string
}

/** A transaction that has written messages of a topic. */
export interface WrittenTopic extends Written {
  readonly topic: string
  readonly topicId: string
  /** Whether some of them have to be looked at before they are ready. */
  readonly isLater: boolean
}

export interface EnlisterParts {
  readonly settings: Settings
  readonly link: Link
  /** Called once messages are written, if the application's function returns the row of the answer. */
  readonly onWritten: (written: WrittenTopic) => void
}

/** How many topics are remembered. */
const maxPlaces = 10_000

/**
 * Creates the function that stores messages in a transaction of the application. Topics are made outside of it, because others would wait
 * for its end.
 */
export function createEnlister({ settings, link, onWritten }: EnlisterParts) {
  const places = new Map<string, Place>()
  const find = inSchema(
    'SELECT (SELECT i.id::text FROM mq.identity i) AS queue, mq.topic_of($1)::text AS topic',
    settings.schema,
  )
  const text = inSchema('SELECT number, is_later FROM mq.enlist_1($1)', settings.schema)

  async function placeOf(topic: string): Promise<Place> {
    const known = places.get(topic)
    if (known !== undefined) return known
    const [row] = await link.publishing.query(find, [topic]).catch((error) => {
      throw operationError(`Looking for the topic '${topic}'`, error)
    })
    const place = { queue: String(row?.queue), topicId: String(row?.topic) }
    if (places.size >= maxPlaces) places.clear()
    places.set(topic, place)
    return place
  }

  return async (
    topic: string,
    messages: readonly OutgoingMessage[],
    { timeoutMs, transaction }: { readonly timeoutMs: number; readonly transaction: RunStatement },
  ): Promise<readonly StoreOutcome[]> => {
    return await outcomesOf(messages, async () => {
      const { queue, topicId } = await placeOf(topic)
      const call = { queue, topic: topicId, dedupeMs: settings.dedupeMs, messages: messages.map(encodedRow) }
      const row = await runWithin({ transaction, text, values: [JSON.stringify(call)], timeoutMs })
      if (typeof row?.number === 'string') {
        onWritten({ transaction: row.number, topic, topicId, isLater: row.is_later === true })
      }
    })
  }
}

export type Enlister = ReturnType<typeof createEnlister>
