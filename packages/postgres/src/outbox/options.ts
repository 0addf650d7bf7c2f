import { keysOf, requireKnownOptions } from '@mq/core/adapter'
import { type TableOptions, tableOptions } from '../options/tables.js'
import { type Settings, settingsOf } from '../options.js'

/** The options of `createOutbox()`. */
export interface OutboxOptions extends TableOptions {
  /** The CloudEvents `source` of its messages. Default: as for `createQueue`. */
  readonly source?: string | undefined
  /** The maximum size of a message. Set it to that of the broker behind the outbox. Default: 900 KiB. */
  readonly maxMessageBytes?: number | undefined
  /** How often a relay looks for messages of which nobody has told it. Default: 500 ms. */
  readonly pollMs?: number | undefined
}

const outboxNames = keysOf<OutboxOptions>()({ ...tableOptions, source: true, maxMessageBytes: true, pollMs: true })

/** Throws a `TypeError`, `MQ_INVALID_URL` or `MQ_INVALID_OPTION`. No error shows a password. */
export function outboxSettings(options: OutboxOptions): Settings {
  requireKnownOptions(options, outboxNames, 'createOutbox()')
  const { source: _, ...others } = options
  return settingsOf(others)
}
