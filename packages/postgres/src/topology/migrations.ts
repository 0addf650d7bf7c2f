import { functions } from './functions.js'
import { inSchema } from './names.js'
import { outboxFunctions } from './outbox-functions.js'
import { storeFunctions } from './store-functions.js'
import { tables } from './tables.js'
import { transactionFunctions } from './transaction-functions.js'

/** A step from one version of the tables to the next. */
export interface Migration {
  /** The version that the tables have after it. */
  readonly version: number
  /** The statements, which have to run in one transaction. */
  readonly sql: string
}

/** The steps from an empty database on. A step never changes once it was released. */
const steps: readonly string[] = [
  `CREATE SCHEMA IF NOT EXISTS "{schema}";
CREATE TABLE mq.version (version integer NOT NULL, oldest_usable integer NOT NULL);
${tables}${functions}${transactionFunctions}${outboxFunctions}${storeFunctions}`,
]

/** The version of the tables that this version of the adapter makes. */
export const newestVersion = steps.length

/**
 * The oldest version of the adapter's tables whose processes lose nothing beside those of the newest one. A process that knows only older
 * tables refuses to connect.
 */
const oldestUsable = 1

/** Returns the steps that make the tables of version `from` into those of the newest one. */
export const stepsFrom = (schema: string, from: number): readonly Migration[] =>
  steps.slice(from).map((sql, index) => {
    const version = from + index + 1
    const note = `DELETE FROM mq.version;\nINSERT INTO mq.version (version, oldest_usable) VALUES (${version}, ${oldestUsable});\n`
    return { version, sql: inSchema(`${sql}${note}`, schema) }
  })
