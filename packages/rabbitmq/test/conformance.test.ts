import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { conformance, type Subject } from '@mq/core/conformance'
import { brokers } from '@mq/test-brokers'
import * as vitest from 'vitest'
import { type ConformanceBroker, startConformanceBroker } from './support/conformance-broker.js'

const tsx = pathToFileURL(createRequire(import.meta.resolve('@mq/test-brokers')).resolve('tsx')).href

const subject: Subject<ConformanceBroker> = {
  adapter: new URL('../src/index.ts', import.meta.url),
  // A link that falls silent is noticed after two of them.
  options: { heartbeatMs: 2_000 },
  start: startConformanceBroker,
  stop: (started) => started.close(),
  faults: {
    async kill({ server }) {
      await server.flush()
      await server.kill()
    },
    restart: ({ server }) => server.restart(),
    cut: ({ link }) => link.cut(),
    refuse: ({ link }) => link.refuse(),
    freeze: ({ link }, direction) => link.freeze(direction),
    slow: ({ link }, bytesPerSecond) => link.slow(bytesPerSecond),
    dropAnswer: ({ link }) => link.dropAfter(0, 'out'),
    block: ({ server }) => server.alarm(true),
    async heal({ server, link }) {
      await link.heal()
      await server.alarm(false)
    },
    connections: async ({ link }) => link.connections,
    destroy: (started, source) => started.destroy(source),
    publishForeign: (started, topic, body) => started.publishForeign(topic, body),
    wrongCredentials: ({ link }) => ({
      options: { url: link.url, username: 'guest', password: 'wr0ng-canary' },
      secret: 'wr0ng-canary',
    }),
    unreachable: () => ({ options: { url: 'amqp://guest:s3cret-canary@127.0.0.1:1' }, secret: 's3cret-canary' }),
    untrusted: ({ secured }) => ({ options: { url: secured.url } }),
  },
  node: {
    args: ['--import', tsx],
    env: { TSX_TSCONFIG_PATH: fileURLToPath(new URL('../../../tsconfig.json', import.meta.url)) },
  },
}

if (brokers.owned('rabbitmq')) await conformance(vitest, subject, { complete: true })
else
  vitest.describe.skip('conformance of rabbitmq: it needs a broker of its own', () => vitest.it('is not run', () => {}))
