/**
 * Puts the name of the schema into SQL in which `mq.` stands for it before a name, and `{schema}` within a text. The name is a plain
 * identifier, so nothing can be injected.
 */
export const inSchema = (sql: string, schema: string): string =>
  sql.replaceAll(/\bmq\./g, `"${schema}".`).replaceAll('{schema}', schema)

/** The channel on which processes tell others of new messages. */
export const channelOf = (schema: string): string => `mq_${schema}`

/** The channel on which the relays of an outbox listen for new messages. */
export const outboxChannel = (schema: string): string => `mq_${schema}_outbox`

/** The lock under which one process makes or raises the tables. */
export const migrationLock = (schema: string): string => `${schema} migrations`
