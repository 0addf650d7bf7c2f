import type { AdapterEvent } from '@mq/core/adapter'
import { commandError, operationError, willPass } from '../../connection/errors.js'
import type { Link } from '../../connection/link.js'
import type { GroupPlace } from '../../wire/keys.js'
import { trimTurnScript } from '../../wire/scripts/tidy.js'
import { createPortions, type Portions } from './portions.js'

export interface TopicShareParts {
  readonly place: GroupPlace
  /** How many messages are retained. A negative number means that the stream is not ours to trim. */
  readonly retain: number
  readonly link: Link
  readonly report: (event: AdapterEvent) => void
}

/** How long the turn of a process lasts. A little less than the time between two looks. */
const turnMs = 900

/** The parts that all consumers of one topic in this process share. */
export class TopicShare {
  readonly portions: Portions = createPortions()
  /** Whether messages were settled since the stream was trimmed. */
  hasSettled = true
  users = 0
  readonly #parts: TopicShareParts
  #reported = ''

  constructor(parts: TopicShareParts) {
    this.#parts = parts
  }

  /** Trims the stream after messages were settled, unless another process has just done so. It is then this one's turn later. */
  async trim(): Promise<void> {
    const { place, retain, link, report } = this.#parts
    if (!this.hasSettled || retain < 0 || !link.isUp) return
    this.hasSettled = false
    const { stream, groups, trimmed } = place.keys
    try {
      const isOurTurn = await link.run(trimTurnScript, [stream, groups, trimmed], [retain, turnMs])
      if (isOurTurn !== 1) this.hasSettled = true
      this.#reported = ''
    } catch (thrown) {
      this.hasSettled = true
      const error = commandError(thrown)
      if (error.kind !== 'refused' || willPass(error) || this.#reported === error.message) return
      this.#reported = error.message
      report({
        type: 'error',
        error: operationError('Trimming a stream', error),
        topic: place.topic,
        group: place.group,
      })
    }
  }
}
