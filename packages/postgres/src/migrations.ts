import { integerOption, requireKnownOptions } from '@mq/core/adapter'
import { schemaOf } from './options.js'
import { stepsFrom } from './topology/migrations.js'

/** A step from one version of the tables to the next. */
export interface PostgresMigration {
  /** The version that the tables have after it. */
  readonly version: number
  /** The statements. Run them in one transaction. */
  readonly sql: string
}

/** The options of `migrations()`. */
export interface MigrationOptions {
  /** The schema of the tables. Default: `mq`. */
  readonly schema?: string | undefined
  /** The version that the tables have. 0 means that there are none. Default: 0. */
  readonly from?: number | undefined
}

/**
 * Returns the SQL of the tables, step by step, for those who run it by a tool of their own and set `migrate` to false. A user with the right
 * to create the schema has to run it; the README says which rights the application's user needs then.
 *
 * Throws a `TypeError` or `MQ_INVALID_OPTION`.
 */
export function migrations(options: MigrationOptions = {}): readonly PostgresMigration[] {
  requireKnownOptions(options, ['schema', 'from'], 'migrations()')
  return stepsFrom(schemaOf(options.schema ?? 'mq'), integerOption(options, 'from', { fallback: 0, min: 0 }))
}
