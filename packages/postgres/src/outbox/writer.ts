import {
  type Adapter,
  type AdapterCapabilities,
  adapterState,
  MqError,
  type OutgoingMessage,
  unknownStats,
} from '@mq/core/adapter'
import type { Settings } from '../options.js'
import type { Written } from '../publish/commit-watch.js'
import { outcomesOf, runWithin } from '../publish/within.js'
import { inSchema } from '../topology/names.js'
import { encodedRow } from '../wire/row.js'

const dayMs = 24 * 60 * 60 * 1_000

/**
 * Creates an adapter that writes to the outbox, so that core checks and encodes messages as for every other. Nothing is read from it. A task
 * needs the group of its workers, which the relay declares.
 */
export function outboxWriter({ schema, maxMessageBytes }: Settings, onWritten: (written: Written) => void): Adapter {
  const state = adapterState()
  const text = inSchema('SELECT mq.outbox_write_1($1) AS number', schema)
  const refuse = async (): Promise<never> => {
    throw new MqError('MQ_NOT_SUPPORTED', 'An outbox is written only; subscribe to the queue behind it')
  }
  return {
    name: 'outbox',
    contract: 2,
    capabilities: capabilitiesOf(maxMessageBytes),
    async connect() {
      state.markOpen()
    },
    async disconnect() {
      state.markClosed()
    },
    async publish(topic, messages, { timeoutMs, transaction }) {
      state.requireOpen()
      if (transaction === undefined) throw new MqError('MQ_INVALID_OPTION', 'An outbox is written in a transaction')
      return await outcomesOf(messages, async () => {
        const row = await runWithin({ transaction, text, values: [JSON.stringify(rowsOf(topic, messages))], timeoutMs })
        if (typeof row?.number === 'string') onWritten({ transaction: row.number })
      })
    },
    async declareGroup() {},
    deleteGroup: refuse,
    consume: refuse,
    deadLetters: () => ({ list: refuse, replay: refuse, purge: refuse }),
    stats: async () => unknownStats,
    health: () => ({ status: 'up', consumers: [] }),
    on: state.on,
  }
}

const rowsOf = (topic: string, messages: readonly OutgoingMessage[]) =>
  messages.map((message) => ({ topic, ...encodedRow(message) }))

const capabilitiesOf = (maxMessageBytes: number): AdapterCapabilities => ({
  durable: true,
  embedded: false,
  retainsUnrouted: false,
  startFromEarliest: false,
  orderedKeys: true,
  countsCrashes: true,
  delayResolutionMs: 0,
  maxDelayMs: 365 * dayMs,
  maxHandlerMs: Number.POSITIVE_INFINITY,
  maxMessageBytes,
  redeliveryMs: 0,
  joinsTransactions: true,
})
