import type { PostgresOptions } from '../options.js'

/** The options for a connection to the tables, as for `postgres()`. */
export type TableOptions = Pick<
  PostgresOptions,
  | 'url'
  | 'host'
  | 'port'
  | 'user'
  | 'password'
  | 'database'
  | 'tls'
  | 'pool'
  | 'schema'
  | 'migrate'
  | 'listen'
  | 'applicationName'
  | 'connectTimeoutMs'
  | 'commandTimeoutMs'
>

export const tableOptionNames = {
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
} as const satisfies Record<keyof TableOptions, true>
