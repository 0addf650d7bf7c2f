import { describe, expect, it } from 'vitest'
import { brokers, postgresql, until, within } from '../src/index.js'
import { connectPostgres, postgresDriver } from './drivers/postgres.js'
import { processSuite } from './suites/process.js'

describe.skipIf(!brokers.owned('postgres'))('PostgreSQL', () => {
  processSuite({ server: () => postgresql(), driver: postgresDriver })

  it('keeps its data when it is asked to end, also while a client is there', async () => {
    const server = await postgresql()
    const client = await connectPostgres(server.url)
    await client.query('CREATE TABLE kept (id int)')
    await server.restart({ graceful: true })
    const after = await connectPostgres(server.url)
    expect((await after.query('SELECT * FROM kept')).rows).toEqual([])
    await after.end()
    await server.stop()
  })

  it('is gone after a SIGKILL, also with a process that computes and listens to nobody', async () => {
    const server = await postgresql()
    const client = await connectPostgres(server.url)
    const computing = client.query('DO $$ BEGIN LOOP END LOOP; END $$')
    computing.catch(() => undefined)
    const other = await connectPostgres(server.url)
    const busy = "SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO%'"
    await until(async () => (await other.query(busy)).rowCount === 1, { what: 'the loop to run' })
    await server.kill()
    await within(expect(computing).rejects.toThrow(), { what: 'the end of the connection' })
    await server.restart()
    await (await connectPostgres(server.url)).end()
    await server.stop()
  })

  it('takes no writes while it is read-only, and reads go on', async () => {
    const server = await postgresql()
    const client = await connectPostgres(server.url)
    await client.query('CREATE TABLE rows (id int)')
    await server.readOnly(true)
    await expect(client.query('INSERT INTO rows VALUES (1)')).rejects.toThrow('read-only')
    expect((await client.query('SELECT * FROM rows')).rows).toEqual([])
    await server.readOnly(false)
    await client.query('INSERT INTO rows VALUES (1)')
    await client.end()
    await server.stop()
  })

  it('takes TLS whose certificate only its authority vouches for, and asks for a password', async () => {
    const server = await postgresql({ config: { log_connections: 'on' } })
    const secure = new URL(server.url)
    secure.searchParams.set('sslmode', 'verify-full')
    await expect(connectPostgres(secure.href)).rejects.toThrow(/certificate/)
    const wrong = Object.assign(new URL(server.url), { password: 'wrong' })
    await expect(connectPostgres(wrong.href)).rejects.toThrow('password authentication failed')
    expect(server.ca).toContain('BEGIN CERTIFICATE')
    await server.stop()
  })
})
