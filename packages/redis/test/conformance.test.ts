import { conformance } from '@mq/core/conformance'
import { behindProxy, brokers, conformanceOptions, redis, stopBehindProxy, workspaceNode } from '@mq/test-brokers'
import * as vitest from 'vitest'
import { redisFaults } from './support/faults.js'

await conformance(
  { ...vitest, describe: vitest.describe.skipIf(!brokers.wanted('redis')) },
  {
    adapter: new URL('../src/index.ts', import.meta.url),
    options: { url: 'redis://127.0.0.1', visibilityMs: 8_000, commandTimeoutMs: 2_000 },
    start: () => behindProxy(redis({ password: 'open-sesame-7' })),
    stop: stopBehindProxy,
    faults: redisFaults,
    node: workspaceNode,
  },
  conformanceOptions('redis'),
)
