import { MqError } from '@mq/core/adapter'
import type { Broker } from './kafkajs-types.js'

/** A request, the version of it that a broker has to know, and the newest one that this adapter can send. */
interface Needed {
  readonly name: string
  readonly key: number
  readonly from: number
  readonly to: number
}

/**
 * The requests that make a broker too old, or one day too new. Fetch has sessions and zstd in the one version that the adapter encodes,
 * which Kafka 2.1 brought. Produce takes batches with headers. A broker that knows version 4 of CreateTopics, as Kafka does since 2.4,
 * takes its own default for the replicas of a topic (KIP-464), in every version of the request. kafkajs knows more versions of the others
 * than any broker since then lacks.
 */
const needed: readonly Needed[] = [
  { name: 'Produce', key: 0, from: 3, to: 7 },
  { name: 'Fetch', key: 1, from: 10, to: 10 },
  { name: 'CreateTopics', key: 19, from: 4, to: 3 },
]

/**
 * Throws `MQ_CONNECT_FAILED` if a broker is older than Kafka 2.4, or if it has no version in common with the adapter. kafkajs would take the
 * nearest one, and neither would understand the other.
 */
export function requireVersions({ versions, connectionPool: { host, port } }: Broker): void {
  for (const { name, key, from, to } of needed) {
    const { minVersion, maxVersion } = versions?.[key] ?? { minVersion: 0, maxVersion: -1 }
    const where = `Kafka at ${host}:${port}`
    if (maxVersion < from) {
      const known = maxVersion < 0 ? `does not know ${name}` : `knows ${name} up to version ${maxVersion}, not ${from}`
      throw new MqError('MQ_CONNECT_FAILED', `${where} is too old: it ${known}. Kafka 2.4 or newer is needed`)
    }
    if (minVersion > to) {
      const text = `it knows ${name} from version ${minVersion} on, and this adapter up to ${to}`
      throw new MqError('MQ_CONNECT_FAILED', `${where} is too new: ${text}. A newer version of @mq/kafka is needed`)
    }
  }
}
