import { MqError } from '@mq/core/adapter'
import type { Connection } from '../connection/connection.js'
import { isUndefined, StatementError } from '../connection/errors.js'
import type { Settings } from '../options.js'
import { newestVersion, stepsFrom } from './migrations.js'
import { inSchema, migrationLock } from './names.js'

/** Makes or raises the tables if that is wanted. Rejects if they cannot be used by this version of the adapter. */
export async function prepareTables(connection: Connection, settings: Settings): Promise<void> {
  await requireServer(connection)
  const { schema, migrate } = settings
  const found = await versionOf(connection, schema)
  if (found?.version === newestVersion) return
  if (found !== undefined && found.version > newestVersion) return requireUsable(found, schema)
  if (!migrate) {
    const state = found === undefined ? 'are missing' : `have the version ${found.version}`
    const text = `The tables in the schema '${schema}' ${state}, and this version needs ${newestVersion}`
    throw new MqError('MQ_CONNECT_FAILED', `${text}. Run the SQL of migrations(), or leave out migrate: false`)
  }
  await raise(connection, settings)
}

interface Version {
  readonly version: number
  readonly oldestUsable: number
}

/** Returns undefined if there are no tables. */
async function versionOf(connection: Connection, schema: string): Promise<Version | undefined> {
  try {
    const [row] = await connection.query(inSchema('SELECT version, oldest_usable FROM mq.version', schema))
    return row && { version: Number(row.version), oldestUsable: Number(row.oldest_usable) }
  } catch (error) {
    if (error instanceof StatementError && isUndefined(error)) return undefined
    throw error
  }
}

/** Processes of two versions work side by side, unless the newer one says that they cannot. */
function requireUsable({ version, oldestUsable }: Version, schema: string): void {
  if (oldestUsable <= newestVersion) return
  const text = `The tables in the schema '${schema}' have the version ${version}, which is too new for this one`
  throw new MqError('MQ_CONNECT_FAILED', `${text}: it knows ${newestVersion}. Update @mq/postgres`)
}

/** One process does this at a time, and the others wait. */
async function raise(connection: Connection, { schema, connectTimeoutMs }: Settings): Promise<void> {
  await connection.query('BEGIN')
  try {
    await connection.query(
      'SELECT pg_advisory_xact_lock(hashtextextended($1, 0))',
      [migrationLock(schema)],
      connectTimeoutMs,
    )
    // Another process may have made newer tables meanwhile.
    const found = await versionIfAny(connection, schema)
    if (found !== undefined) requireUsable(found, schema)
    for (const { sql } of stepsFrom(schema, found?.version ?? 0)) await connection.query(sql, [], connectTimeoutMs)
    await connection.query('COMMIT')
  } catch (error) {
    await connection.query('ROLLBACK').catch(() => {})
    throw error
  }
}

/** Does not fail if there is no table, because that would end the transaction. */
async function versionIfAny(connection: Connection, schema: string): Promise<Version | undefined> {
  const [row] = await connection.query('SELECT to_regclass($1) IS NOT NULL AS there', [`"${schema}".version`])
  return row?.there === true ? await versionOf(connection, schema) : undefined
}

const oldestServer = 13

async function requireServer(connection: Connection): Promise<void> {
  const text =
    "SELECT current_setting('server_version_num')::int AS number, current_setting('transaction_isolation') AS isolation"
  const [row] = await connection.query(text)
  const major = Math.floor(Number(row?.number) / 10_000)
  if (major >= oldestServer) return requireIsolation(String(row?.isolation))
  throw new MqError(
    'MQ_CONNECT_FAILED',
    `PostgreSQL ${major} is too old: ${oldestServer} is the oldest that is supported`,
  )
}

/** Each statement of a function has to see what was committed before it. The connections of a pool are set up by the application. */
function requireIsolation(isolation: string): void {
  if (isolation === 'read committed') return
  const text = `The sessions use '${isolation}', and the adapter needs 'read committed'`
  throw new MqError('MQ_CONNECT_FAILED', `${text}. Set default_transaction_isolation for the connections of its pool`)
}
