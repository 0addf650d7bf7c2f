import { randomUUID } from 'node:crypto'
import { Client } from 'pg'
import type { PostgresServer, Server } from '../../src/index.js'
import { type Driver, payload } from './driver.js'

/** Connects once. It does not connect again. */
export async function connectPostgres(url: string): Promise<Client> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
  client.on('error', () => {})
  await client.connect()
  return client
}

export async function postgresDriver(server: PostgresServer): Promise<Driver> {
  const table = `"writes.${randomUUID()}"`
  /** Connects for each request, because the server may have been restarted since the last. */
  const ask = async (sql: string): Promise<readonly Record<string, unknown>[]> => {
    const client = await connectPostgres(server.url)
    try {
      return (await client.query(sql)).rows
    } finally {
      await client.end()
    }
  }
  await ask(`CREATE TABLE ${table} (id text PRIMARY KEY, data text)`)
  return {
    async open(at: Pick<Server, 'url'>) {
      const client = await connectPostgres(at.url)
      return {
        write: async (id, bytes = 10) =>
          void (await client.query(`INSERT INTO ${table} VALUES ($1, $2) ON CONFLICT DO NOTHING`, [
            id,
            payload(bytes),
          ])),
        close: async () => await client.end(),
      }
    },
    count: async () => Number((await ask(`SELECT count(*) FROM ${table}`))[0]?.count),
    ids: async () => new Set((await ask(`SELECT id FROM ${table}`)).map(({ id }) => String(id))),
    close: async () => void (await ask(`DROP TABLE ${table}`)),
  }
}
