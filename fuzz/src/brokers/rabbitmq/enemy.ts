import type { RabbitServer } from '@mq/test-brokers'
import { bytesOfForeign, type Foreign, foreignGenerators } from '../../generators/foreign.js'
import { taskGenerators } from '../../generators/tasks.js'
import { type Enemy, settled, type Written } from '../../hostile.js'
import { rabbitGenerators, topicExchange } from './generators.js'
import { rawRabbit } from './raw.js'

export async function rabbitEnemy({ url, version }: Pick<RabbitServer, 'url' | 'version'>): Promise<Enemy> {
  const { hostname, port, username, password } = new URL(url)
  const raw = rawRabbit({
    host: hostname,
    port: Number(port === '' ? 5672 : port),
    username: decodeURIComponent(username) || 'guest',
    password: decodeURIComponent(password) || 'guest',
  })

  async function write(topic: string, foreign: Foreign, { mark }: { readonly mark: string }): Promise<Written> {
    const { datacontenttype, ...attributes } = foreign.attributes
    const headers = [
      ...Object.entries(attributes).map(([name, value]) => [`cloudEvents:${name}`, { text: { text: value } }] as const),
      ...Object.entries(foreign.headers).map(([name, value]) => [name, { text: { text: value } }] as const),
    ]
    const isStored = await raw.publish({
      exchange: topicExchange(topic),
      routingKey: '',
      headers,
      body: foreign.body,
      ...(datacontenttype !== undefined && { contentType: datacontenttype }),
    })
    const written = settled([mark, ...(attributes.id === undefined ? [] : [attributes.id])], bytesOfForeign(foreign))
    return isStored ? written : { ...written, fate: 'refused' }
  }

  return {
    name: 'rabbitmq',
    setup: { adapter: 'rabbitmq', options: { url } },
    generators: [
      ...rabbitGenerators(raw, version ?? ''),
      ...foreignGenerators('rabbitmq', write),
      ...taskGenerators('rabbitmq', write),
    ],
    patienceMs: 12_000,
    maxEntryBytes: 128 * 1024 * 1024,
    keepsArenas: false,
    close: async () => raw.close(),
  }
}
