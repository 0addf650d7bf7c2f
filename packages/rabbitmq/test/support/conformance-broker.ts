import type { Source } from '@mq/core'
import type { StartedBroker } from '@mq/core/conformance'
import { type BrokerProxy, proxy, type RabbitServer, rabbitmq } from '@mq/test-brokers'
import { namespaceFor } from '../../src/names.js'
import { onRaw } from './raw.js'

export interface ConformanceBroker extends StartedBroker {
  readonly server: RabbitServer
  /** With a certificate that nobody was told to trust. */
  readonly secured: RabbitServer
  readonly link: BrokerProxy
  destroy(source: Source): Promise<void>
  publishForeign(topic: string, body: Uint8Array): Promise<void>
  close(): Promise<void>
}

const names = namespaceFor('mq')

export async function startConformanceBroker(): Promise<ConformanceBroker> {
  const [server, secured] = await Promise.all([rabbitmq(), rabbitmq({ tls: true })])
  const link = await proxy(server)
  return {
    options: { url: link.url },
    broker: `RabbitMQ ${server.version}`,
    server,
    secured,
    link,
    destroy: (source) =>
      onRaw(server.url, async (channel) => {
        await channel.deleteQueue(names.group(source))
      }),
    publishForeign: (topic, body) =>
      onRaw(server.url, async (channel) => {
        channel.publish(names.topic(topic), 'anything', Buffer.from(body), { persistent: true })
        await channel.waitForConfirms()
      }),
    async close() {
      await link.close()
      await Promise.all([server.stop(), secured.stop()])
    },
  }
}
