import type { Subject } from '@mq/core/conformance'
import {
  type PostgresServer,
  postgresql,
  type StartedServer,
  stopBehindProxy,
  suiteServer,
  workspaceNode,
} from '@mq/test-brokers'
import { Client } from 'pg'
import { postgresFaults } from './faults.js'

/** The adapter as the suite tests it. */
export const subject: Subject<StartedServer<PostgresServer>> = {
  adapter: new URL('../../src/index.ts', import.meta.url),
  options: { url: 'postgres://127.0.0.1', visibilityMs: 8_000, pollMs: 100, commandTimeoutMs: 2_000 },
  start: () => suiteServer('postgres', () => postgresql()),
  stop: stopBehindProxy,
  faults: postgresFaults,
  async begin({ options }) {
    const client = new Client({ connectionString: String(options?.url) })
    client.on('error', () => {})
    await client.connect()
    await client.query('BEGIN')
    const ending = (statement: string) => async () => {
      await client.query(statement)
      await client.end()
    }
    return { transaction: client, commit: ending('COMMIT'), rollback: ending('ROLLBACK') }
  },
  node: workspaceNode,
}
