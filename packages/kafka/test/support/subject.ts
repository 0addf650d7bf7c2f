import type { Subject } from '@mq/core/conformance'
import {
  brokers,
  faultsOf,
  type KafkaServer,
  kafka,
  type StartedServer,
  stopBehindProxy,
  suiteServer,
  workspaceNode,
} from '@mq/test-brokers'
import { createForeign, destroy, namesAt, publishForeign } from './outside.js'

/** Short, so that the messages of a killed process run again soon. */
const sessionTimeoutMs = 3_000

/** A handler whose partition moves has a third of it to finish, and GRP-20 holds its handlers for 1.5 s. */
const rebalanceTimeoutMs = 6_000

/** The suite creates thousands of partitions, and a broker that was killed checks each of them before it answers. */
const config = {
  'group.min.session.timeout.ms': '1000',
  'log.index.size.max.bytes': '65536',
  'num.recovery.threads.per.data.dir': '4',
}

/** The adapter as the suite tests it. */
export const subject: Subject<StartedServer<KafkaServer>> = {
  adapter: new URL('../../src/index.ts', import.meta.url),
  options: {
    url: 'kafka://127.0.0.1',
    sessionTimeoutMs,
    rebalanceTimeoutMs,
    maxStallMs: 3_000,
    requestTimeoutMs: 5_000,
    partitions: 3,
  },
  start: () =>
    suiteServer('kafka', () =>
      kafka(brokers.owned('kafka') ? { users: { mq: 'open-sesame-7' }, config, heapMb: 400, proxies: 6 } : {}),
    ),
  stop: stopBehindProxy,
  faults: {
    ...faultsOf('kafka'),
    untrusted: ({ untrusted: { url } }) => ({ options: { url: `${url}?tls=true` } }),
    leftovers: ({ server }) => namesAt(server),
    destroy: ({ server }, ref) => destroy(server, ref),
    publishForeign: ({ server }, topic, body) => publishForeign(server, topic, body),
    foreignPlaces: ({ server }, name) => createForeign(server, name),
    writeForeign: ({ server }, at, body) => publishForeign(server, String(at), body),
  },
  node: workspaceNode,
}
