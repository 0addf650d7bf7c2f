import type { Link } from '../connection/link.js'
import type { Settings } from '../options.js'
import { inSchema } from '../topology/names.js'

/** How many messages one statement goes through. */
const maxMessages = 5_000
/** How often a topic is swept that is in use. */
const pauseMs = 2_000
/** How long the statements of one turn may take, so that others get theirs. */
const turnMs = 500

/**
 * Removes messages that no group needs any more, of the topics that this process uses. It goes through the ids again and again, because
 * messages are finished in any order.
 */
export class Sweeper {
  readonly #settings: Settings
  readonly #link: Link
  readonly #text: string
  /** The topics in use, with the id behind which to go on. */
  readonly #topics = new Map<string, string>()
  #sweptAt = performance.now()

  constructor(settings: Settings, link: Link) {
    this.#settings = settings
    this.#link = link
    this.#text = inSchema('SELECT last::text, removed::int FROM mq.sweep_1($1, $2, $3, $4)', settings.schema)
  }

  /** Notes that messages of the topic were stored or finished. */
  noteUse(topic: string): void {
    if (!this.#topics.has(topic)) this.#topics.set(topic, '0')
  }

  /** Sweeps the topics, if that is due. Rejects with a `StatementError`. */
  async sweep(): Promise<void> {
    const startedAt = performance.now()
    if (startedAt - this.#sweptAt < pauseMs) return
    this.#sweptAt = startedAt
    for (const topic of [...this.#topics.keys()]) {
      if (performance.now() - startedAt > turnMs) return
      await this.#sweepTopic(topic, startedAt)
    }
  }

  async #sweepTopic(topic: string, startedAt: number): Promise<void> {
    while (performance.now() - startedAt < turnMs) {
      const after = this.#topics.get(topic) ?? '0'
      const values = [topic, this.#settings.retain, after, maxMessages]
      const [row] = await this.#link.consuming.query(this.#text, values)
      if (row?.last == null) {
        // The end. A topic that is used again is swept again.
        this.#topics.delete(topic)
        return
      }
      this.#topics.set(topic, String(row.last))
    }
    // Others come first in the next turn.
    const at = this.#topics.get(topic)
    this.#topics.delete(topic)
    if (at !== undefined) this.#topics.set(topic, at)
  }
}
