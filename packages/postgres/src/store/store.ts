import {
  type CompleteStore,
  type LeaseAnswer,
  MqError,
  type RunStatement,
  requireEntry,
  requireKnownOptions,
  runnerOf,
  storeChecks,
  type TakeAnswer,
  type TaskStore,
} from '@mq/core/adapter'
import { type TableOptions, tableOptionNames } from '../options/tables.js'
import { type Settings, settingsOf } from '../options.js'
import { inSchema } from '../topology/names.js'
import { type RunStored, storeRunner, storeWithin } from './run.js'
import { storedText, textOfStored } from './text.js'

/** The options of `postgresStore()`: those for a connection, as for `postgres()`. */
export type PostgresStoreOptions = TableOptions

/** A store that all processes share, and that joins transactions. It connects with its first call. */
export interface PostgresStore extends CompleteStore, AsyncDisposable {
  within(transaction: RunStatement): TaskStore
  /** Closes its own connections, for good. Always resolves and may be called twice. */
  disconnect(): Promise<void>
}

/** Every window has as many slots: a count stays for up to a hundredth longer than its window. */
const slotsPerWindow = 100

/**
 * Creates a store in PostgreSQL 13 or newer, in the same schema as the tables of `postgres()`. Each call is one statement, and takes no longer
 * than `commandTimeoutMs`. Throws a `TypeError`, `MQ_INVALID_URL` or `MQ_INVALID_OPTION`. No error shows a password.
 */
export function postgresStore(options: PostgresStoreOptions = {}): PostgresStore {
  requireKnownOptions(options, tableOptionNames, 'postgresStore()')
  const settings = settingsOf(options)
  const { run, close } = storeRunner(settings)
  const store = storeOf(settings, run)
  return {
    ...store,
    within: (transaction) => storeOf(settings, storeWithin(runnerOf(transaction))),
    disconnect: close,
    [Symbol.asyncDispose]: close,
  }
}

function storeOf({ schema }: Settings, run: RunStored): Omit<Required<CompleteStore>, 'within'> {
  const ask = (what: string, text: string, values: unknown[], once = false) =>
    run({ what, text: inSchema(text, schema), values, once })
  const isTrue = async (answer: ReturnType<typeof ask>): Promise<boolean> => (await answer)?.done === true

  return {
    async claim(key, value, given) {
      requireEntry(key, { value, options: given })
      const text = 'SELECT mq.store_claim_1($1, $2, $3) AS held'
      const row = await ask('claim', text, [storedText(key), storedText(value), Math.ceil(given.ttlMs)])
      return textOfStored(String(row?.held))
    },
    async put(key, value, given) {
      requireEntry(key, { value, options: given })
      const text = `INSERT INTO mq.store_values AS v (key, value, ends_at)
        VALUES ($1, $2, clock_timestamp() + $3::float8 * interval '1 ms')
        ON CONFLICT (key) DO UPDATE SET value = excluded.value, ends_at = excluded.ends_at`
      await ask('put', text, [storedText(key), storedText(value), Math.ceil(given.ttlMs)])
    },
    async get(key) {
      requireEntry(key)
      const text = 'SELECT v.value FROM mq.store_values v WHERE v.key = $1 AND v.ends_at > clock_timestamp()'
      const row = await ask('get', text, [storedText(key)])
      return row === undefined ? undefined : textOfStored(String(row.value))
    },
    async compareAndSet(key, value, given) {
      const { expected, ttlMs } = storeChecks.compareAndSet(key, value, given)
      const text = `UPDATE mq.store_values v SET value = $1, ends_at = clock_timestamp() + $2::float8 * interval '1 ms'
        WHERE v.key = $3 AND v.value = $4 AND v.ends_at > clock_timestamp() RETURNING true AS done`
      const values = [storedText(value), ttlMs, storedText(key), storedText(expected)]
      return await isTrue(ask('compareAndSet', text, values, true))
    },
    async delete(key, given = {}) {
      const { expected } = storeChecks.delete(key, given)
      const text = `DELETE FROM mq.store_values v WHERE v.key = $1 AND v.value = coalesce($2::text, v.value)
        AND v.ends_at > clock_timestamp() RETURNING true AS done`
      const values = [storedText(key), expected === undefined ? null : storedText(expected)]
      return await isTrue(ask('delete', text, values, true))
    },
    leases: {
      async acquire(name, given): Promise<LeaseAnswer> {
        const { holder, limit, ttlMs } = storeChecks.acquire(name, given)
        const text = 'SELECT mq.store_acquire_1($1, $2, $3, $4) AS after'
        const row = await ask('leases.acquire', text, [storedText(name), storedText(holder), limit, ttlMs])
        const retryAfterMs = Number(row?.after)
        return retryAfterMs < 0 ? { granted: true } : { granted: false, retryAfterMs }
      },
      async renew(name, given) {
        const { holder, ttlMs } = storeChecks.renew(name, given)
        const text = `UPDATE mq.store_leases l SET ends_at = clock_timestamp() + $1::float8 * interval '1 ms'
          WHERE l.name = $2 AND l.holder = $3 AND l.ends_at > clock_timestamp() RETURNING true AS done`
        return await isTrue(ask('leases.renew', text, [ttlMs, storedText(name), storedText(holder)]))
      },
      async release(name, given) {
        const { holder } = storeChecks.release(name, given)
        const text = 'DELETE FROM mq.store_leases l WHERE l.name = $1 AND l.holder = $2'
        await ask('leases.release', text, [storedText(name), storedText(holder)])
      },
    },
    async take(key, given): Promise<TakeAnswer> {
      const { count, limit, windowMs, maxWaitMs } = storeChecks.take(key, given)
      const widthMs = Math.ceil(windowMs / slotsPerWindow)
      const text = 'SELECT granted, wait_ms FROM mq.store_take_1($1, $2, $3, $4, $5, $6)'
      const window = `${windowMs}:${storedText(key)}`
      const row = await ask('take', text, [window, count, limit, widthMs, Math.ceil(windowMs / widthMs), maxWaitMs])
      const ms = Number(row?.wait_ms)
      if (!Number.isFinite(ms)) throw new MqError('MQ_OPERATION_FAILED', 'take of the store had no answer')
      return row?.granted === true ? { granted: true, waitMs: ms } : { granted: false, retryAfterMs: ms }
    },
  }
}
