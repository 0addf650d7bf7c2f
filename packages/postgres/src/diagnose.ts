import type { Diagnosis, Finding } from '@mq/core/adapter'
import type { Row } from './connection/connection.js'
import { operationError, statementError } from './connection/errors.js'
import type { Common } from './consume/common.js'
import { inSchema } from './topology/names.js'

const page = 'https://github.com/mq-js/mq/blob/main/packages/postgres/README.md'

/** How far the clock of the server may be from that of this machine. */
const maxClockMs = 2_000
/** For how long a transaction may be open before it keeps a noticeable number of dead rows. */
const maxTransactionMs = 5 * 60_000
/** The share of dead rows from which cleaning up lags behind, and the number below which nobody needs to care. */
const maxDeadShare = 0.5
const minDeadRows = 100_000

/** Looks for settings of the server that lose messages or make it slow. */
export async function diagnose(common: Common): Promise<Diagnosis> {
  const { link, settings } = common
  const ask = async (text: string): Promise<Row> => {
    const [row] = await link.consuming.query(inSchema(text, settings.schema)).catch((error) => {
      throw operationError('Looking at the server', error)
    })
    return row ?? {}
  }
  const askedAt = Date.now()
  const server = await ask(`SELECT current_setting('server_version') AS version, current_setting('fsync') AS fsync,
    current_setting('synchronous_commit') AS commit, current_setting('full_page_writes') AS pages,
    current_setting('autovacuum') AS autovacuum, pg_is_in_recovery() AS is_standby,
    (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now`)
  const answeredAt = Date.now()
  return {
    server: `PostgreSQL ${String(server.version).split(' ')[0]}`,
    findings: [
      ...durabilityFindings(server),
      ...(await blockFindings(common)),
      ...transactionFindings(await ask(openTransactions)),
      ...vacuumFindings(server, await ask(deadRows)),
      ...sessionFindings(common, await ask(presence(common.membership.id))),
      ...clockFindings({ askedAt, answeredAt, there: Number(server.now) }),
    ],
  }
}

function durabilityFindings({ fsync, commit, pages }: Row): readonly Finding[] {
  const findings: Finding[] = []
  const docs = `${page}#what-a-confirmation-survives`
  if (fsync === 'off' || pages === 'off') {
    findings.push({
      code: 'postgres.no-fsync',
      severity: 'error',
      problem: `${fsync === 'off' ? 'fsync' : 'full_page_writes'} is off: a crash of the machine destroys the database.`,
      advice: 'Set it to on, and restart the server.',
      docs,
    })
  }
  if (commit === 'off') {
    findings.push({
      code: 'postgres.asynchronous-commit',
      severity: 'error',
      problem: 'synchronous_commit is off: messages that were confirmed are lost when the server crashes.',
      advice:
        'Set synchronous_commit to on, at least for the user of the queue: ALTER ROLE ... SET synchronous_commit = on.',
      docs,
    })
  }
  return findings
}

/** Finds out whether messages can be stored, by taking a number of a sequence. */
async function blockFindings({ link, settings }: Common): Promise<readonly Finding[]> {
  try {
    await link.publishing.query(inSchema("SELECT nextval('mq.message_ids')", settings.schema))
    return []
  } catch (cause) {
    const error = statementError(cause)
    if (error.kind !== 'refused') throw operationError('Looking at the server', error)
    return [
      {
        code: 'postgres.takes-no-messages',
        severity: 'error',
        problem: `The server takes no messages: ${error.message}.`,
        advice: 'Look at default_transaction_read_only, at the free space of its disk and at the rights of the user.',
        docs: `${page}#rights`,
      },
    ]
  }
}

/** A user who may not see the transactions of others counts its own. */
const openTransactions = `SELECT coalesce(max(extract(epoch FROM clock_timestamp() - a.xact_start) * 1000), 0)::float8 AS oldest_ms,
  count(*) FILTER (WHERE a.backend_type = 'client backend' AND a.state IS NULL AND a.pid <> pg_backend_pid())::int AS hidden
  FROM pg_stat_activity a WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()`

function transactionFindings({ oldest_ms, hidden }: Row): readonly Finding[] {
  const docs = `${page}#vacuum`
  if (Number(oldest_ms) > maxTransactionMs) {
    return [
      {
        code: 'postgres.old-transaction',
        severity: 'warning',
        problem: `A transaction has been open for ${Math.round(Number(oldest_ms) / 60_000)} minutes. Rows that were deleted since then stay.`,
        advice: 'End it, and set idle_in_transaction_session_timeout. Long reports belong to a replica.',
        docs,
      },
    ]
  }
  if (Number(hidden) === 0) return []
  return [
    {
      code: 'postgres.hidden-transactions',
      severity: 'info',
      problem: 'The user may not see the transactions of others, so one that is open for long is not found.',
      advice: 'Grant the role pg_read_all_stats to the user.',
      docs,
    },
  ]
}

const deadRows = `SELECT coalesce(max(s.n_dead_tup) FILTER (WHERE s.n_dead_tup > ${maxDeadShare} * s.n_live_tup), 0)::float8 AS dead
  FROM pg_stat_user_tables s WHERE s.schemaname = '{schema}'`

function vacuumFindings({ autovacuum }: Row, { dead }: Row): readonly Finding[] {
  const findings: Finding[] = []
  const docs = `${page}#vacuum`
  if (autovacuum === 'off') {
    findings.push({
      code: 'postgres.no-autovacuum',
      severity: 'warning',
      problem: 'autovacuum is off: rows of messages that were handled are never removed, and the tables grow.',
      advice: 'Set autovacuum to on, or run VACUUM on the tables of the schema every few minutes.',
      docs,
    })
  } else if (Number(dead) > minDeadRows) {
    findings.push({
      code: 'postgres.dead-rows',
      severity: 'warning',
      problem: `A table has ${Math.round(Number(dead))} dead rows, more than half as many as live ones.`,
      advice: 'Look for transactions and replication slots that are open for long, and let autovacuum run more often.',
      docs,
    })
  }
  return findings
}

/** Whether the lock of this process is held by a session, as another one sees it. */
const presence = (id: string): string => `SELECT EXISTS (
  SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.objsubid = 1
  AND (l.classid::bigint << 32) | l.objid::bigint = ${id}
) AS is_seen`

function sessionFindings({ settings }: Common, { is_seen }: Row): readonly Finding[] {
  if (!settings.listen) {
    return [
      {
        code: 'postgres.no-listen',
        severity: 'info',
        problem: `listen is false: messages are found every ${settings.pollMs} ms, and those of a process that was killed after ${settings.visibilityMs} ms.`,
        advice: 'Connect to the server itself, or to a pooler in session mode, and leave the option out.',
        docs: `${page}#poolers`,
      },
    ]
  }
  if (is_seen === true) return []
  return [
    {
      code: 'postgres.no-session',
      severity: 'error',
      problem: 'The server keeps no session for this connection, as behind a pooler in transaction mode.',
      advice: 'Connect to the server itself, or to a pooler in session mode. Otherwise set listen to false.',
      docs: `${page}#poolers`,
    },
  ]
}

interface Times {
  readonly askedAt: number
  readonly answeredAt: number
  readonly there: number
}

function clockFindings({ askedAt, answeredAt, there }: Times): readonly Finding[] {
  const apartMs = Math.round(Math.max(askedAt - there, there - answeredAt))
  if (apartMs <= maxClockMs) return []
  return [
    {
      code: 'postgres.clock',
      severity: 'warning',
      problem: `The clocks of the server and of this machine are ${Math.round(apartMs / 1_000)} s apart.`,
      advice: 'Synchronise both by NTP: delays follow the server, and points in time follow the machines.',
      docs: page,
    },
  ]
}
