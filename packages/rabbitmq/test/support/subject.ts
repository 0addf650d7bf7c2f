import type { ForeignExchange } from '@mq/core'
import type { Subject } from '@mq/core/conformance'
import {
  brokers,
  faultsOf,
  type RabbitServer,
  rabbitmq,
  type StartedServer,
  stopBehindProxy,
  suiteServer,
  workspaceNode,
} from '@mq/test-brokers'
import { namespaceFor } from '../../src/topology/names.js'
import { onRaw } from './raw.js'

const names = namespaceFor('mq')

/** A broker from the environment may have no management API, and neither have the tests' clusters. */
const isManaged = brokers.owned('rabbitmq') && process.env.MQ_TEST_CLUSTER !== '1'

async function start(): Promise<StartedServer<RabbitServer>> {
  const started = await suiteServer('rabbitmq', () =>
    rabbitmq({
      management: isManaged,
      // Lists need no statistics, which keep a broker busy.
      ...(isManaged && { config: { 'management_agent.disable_metrics_collector': 'true' } }),
      // How long a broker that has crashed waits before it dead-letters again. Default: 3 minutes.
      application: { dead_letter_worker_publisher_confirm_timeout: 2_000 },
    }),
  )
  const { managementUrl: url } = started.server
  if (url === undefined) return started
  const options = { ...started.options, management: { url } }
  return { ...started, options }
}

const target = ({ exchange }: ForeignExchange) => ({ exchange, key: 'order.paid.eu' })

/** The adapter as the suite tests it. */
export const subject: Subject<StartedServer<RabbitServer>> = {
  adapter: new URL('../../src/index.ts', import.meta.url),
  // A silent link is noticed after two heartbeats. The address of the management API is known once the broker runs.
  options: { heartbeatMs: 2_000, ...(isManaged && { management: { url: 'http://localhost:15672' } }) },
  start,
  stop: stopBehindProxy,
  faults: {
    ...faultsOf('rabbitmq'),
    async leftovers({ server }) {
      const list = async (what: string): Promise<readonly string[]> => {
        const text = await server.rabbitmqctl('--quiet', `list_${what}s`, '--no-table-headers', 'name')
        // The probes of the delays begin 30 s after a connection, and belong to no group.
        const ours = text
          .split('\n')
          .filter(
            (name) => name.startsWith('mq') && ![names.probe(''), names.signal('')].some((own) => name.startsWith(own)),
          )
        return ours
          .filter((name) => ![names.probes, names.paused, names.signals, names.pausing].includes(name))
          .map((name) => `${what} ${name}`)
      }
      return (await Promise.all([list('queue'), list('exchange')])).flat()
    },
    destroy: ({ server }, ref) =>
      onRaw(server.url, async (channel) => void (await channel.deleteQueue(names.group(ref)))),
    publishForeign: ({ server }, topic, body) =>
      onRaw(server.url, async (channel) => {
        channel.publish(names.topic(topic), 'anything', Buffer.from(body), { persistent: true })
        await channel.waitForConfirms()
      }),
    foreignPlaces: ({ server }, name) =>
      onRaw(server.url, async (channel) => {
        await channel.assertQueue(name, { durable: true })
        await channel.assertExchange(`${name}.topic`, 'topic', { durable: true })
        await channel.assertExchange(`${name}.fanout`, 'fanout', { durable: true })
        return [
          name,
          { exchange: `${name}.topic`, routingKey: 'order.#' },
          { exchange: `${name}.fanout`, routingKey: '' },
        ]
      }),
    writeForeign: ({ server }, at, body) =>
      onRaw(server.url, async (channel) => {
        const { exchange, key } = typeof at === 'string' ? { exchange: '', key: at } : target(at as ForeignExchange)
        channel.publish(exchange, key, Buffer.from(body), { persistent: true })
        await channel.waitForConfirms()
      }),
  },
  node: workspaceNode,
}
