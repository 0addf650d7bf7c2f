import type { KafkaServer } from '@mq/test-brokers'
import { Kafka, logLevel } from 'kafkajs'
import { bytesOfForeign, type Foreign, foreignGenerators } from '../../generators/foreign.js'
import { taskGenerators } from '../../generators/tasks.js'
import { type Enemy, settled, type Written } from '../../hostile.js'
import { encodeBatch } from './batch.js'
import { kafkaGenerators, partitions } from './generators.js'
import { rawKafka } from './raw.js'

export async function kafkaEnemy({ url, brokers }: Pick<KafkaServer, 'url' | 'brokers'>): Promise<Enemy> {
  const [first = ''] = brokers
  const [host = '', port = ''] = first.split(':')
  const { username, password } = new URL(url)
  const login =
    username === '' ? undefined : { username: decodeURIComponent(username), password: decodeURIComponent(password) }
  const raw = rawKafka({ host, port: Number(port), login })
  const client = new Kafka({
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    ...(login && { sasl: { mechanism: 'plain', ...login } }),
  })

  async function write(topic: string, foreign: Foreign, { mark }: { readonly mark: string }): Promise<Written> {
    const text = (value: string) => ({ text: value })
    const { datacontenttype, partitionkey, ...attributes } = foreign.attributes
    const headers = [
      ...Object.entries(attributes).map(([name, value]) => [text(`ce_${name}`), text(value)] as const),
      ...(datacontenttype === undefined ? [] : [[text('content-type'), text(datacontenttype)] as const]),
      ...Object.entries(foreign.headers).map(([name, value]) => [text(name), text(value)] as const),
    ]
    const key = partitionkey === undefined ? undefined : text(partitionkey)
    const offset = await raw.produce(
      topic,
      0,
      encodeBatch({ records: [{ key, value: foreign.body, headers }], codec: 'none' }),
    )
    const written = settled(
      [mark, `${topic}/0/${offset}`, ...(attributes.id === undefined ? [] : [attributes.id])],
      bytesOfForeign(foreign),
    )
    return offset === undefined ? { ...written, fate: 'refused' } : written
  }

  return {
    name: 'kafka',
    setup: { adapter: 'kafka', options: { url, partitions, sessionTimeoutMs: 6_000 } },
    generators: [
      ...kafkaGenerators(raw, client),
      ...foreignGenerators('kafka', write),
      ...taskGenerators('kafka', write),
    ],
    patienceMs: 15_000,
    maxEntryBytes: 1_048_588,
    keepsArenas: true,
    close: async () => raw.close(),
  }
}
