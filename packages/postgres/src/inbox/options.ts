import { keysOf } from '@mq/core/adapter'
import { type TableOptions, tableOptions } from '../options/tables.js'

/** The options of `createInbox()`. */
export interface InboxOptions extends TableOptions {
  /** Names the consumer, most often by its group. Each consumer handles a message once. At most 100 characters. */
  readonly consumer: string
  /** How long a message is known. It should be longer than a message can wait anywhere. Default: 7 days. */
  readonly retainMs?: number | undefined
}

export const inboxNames = keysOf<InboxOptions>()({ ...tableOptions, consumer: true, retainMs: true })
