import { keysOf } from '@mq/core/adapter'
import type { PostgresOptions } from '../options.js'

/** The options for a connection to the tables, by their names. */
export const tableOptions = {
  url: true,
  host: true,
  port: true,
  user: true,
  password: true,
  database: true,
  tls: true,
  pool: true,
  schema: true,
  migrate: true,
  listen: true,
  applicationName: true,
  connectTimeoutMs: true,
  commandTimeoutMs: true,
} as const satisfies Partial<Record<keyof PostgresOptions, true>>

/** The options for a connection to the tables, as for `postgres()`. */
export type TableOptions = Pick<PostgresOptions, keyof typeof tableOptions>

export const tableOptionNames = keysOf<TableOptions>()(tableOptions)
