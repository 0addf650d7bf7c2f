import type { Subject } from '@mq/core/conformance'
import {
  type RedisServer,
  redis,
  type StartedServer,
  stopBehindProxy,
  suiteServer,
  workspaceNode,
} from '@mq/test-brokers'
import { redisFaults } from './faults.js'

/** The adapter as the suite tests it. */
export const subject: Subject<StartedServer<RedisServer>> = {
  adapter: new URL('../../src/index.ts', import.meta.url),
  options: { url: 'redis://127.0.0.1', visibilityMs: 8_000, commandTimeoutMs: 2_000 },
  start: () => suiteServer('redis', () => redis({ password: 'open-sesame-7' })),
  stop: stopBehindProxy,
  faults: redisFaults,
  node: workspaceNode,
}
