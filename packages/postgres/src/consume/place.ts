import { type GroupRef, MqError } from '@mq/core/adapter'
import type { Database } from '../connection/database.js'
import { operationError } from '../connection/errors.js'
import type { Settings } from '../options.js'
import { inSchema } from '../topology/names.js'

/** The ids of a group and of its topic. */
export interface Place {
  readonly grp: string
  readonly topicId: string
}

export interface DeclareOptions {
  readonly isEarliest: boolean
  /** The process with which an ephemeral group ends. */
  readonly process?: string
}

/** How much longer than others a statement may take that goes through a whole topic or group. */
export const longerMs = ({ commandTimeoutMs }: Settings): number => 4 * commandTimeoutMs

/** Makes the group unless it is there. Rejects with `MQ_OPERATION_FAILED`. */
export async function declareGroup(
  database: Database,
  settings: Settings,
  { ref, isEarliest, process }: DeclareOptions & { readonly ref: GroupRef },
): Promise<Place> {
  const text =
    'SELECT d.id::text, g.topic::text FROM (SELECT mq.declare_1($1, $2, $3, $4) AS id) d JOIN mq.groups g USING (id)'
  const values = [ref.topic, ref.group, isEarliest, process ?? null]
  const [row] = await database.query(inSchema(text, settings.schema), values, longerMs(settings)).catch((error) => {
    throw operationError(`Making the group '${ref.group}' of '${ref.topic}'`, error)
  })
  // The join sees what was there before the statement, so a group that has just been made is looked up.
  const place = row === undefined ? await findGroup(database, settings, ref) : placeOf(row)
  if (place !== undefined) return place
  throw new MqError('MQ_OPERATION_FAILED', `The group '${ref.group}' of '${ref.topic}' was deleted while it was made`)
}

/** Returns undefined if there is no such group. Rejects with `MQ_OPERATION_FAILED`. */
export async function findGroup(database: Database, { schema }: Settings, ref: GroupRef): Promise<Place | undefined> {
  const text = `SELECT g.id::text, g.topic::text FROM mq.groups g JOIN mq.topics t ON t.id = g.topic
    WHERE t.name = $1 AND g.name = $2`
  const [row] = await database.query(inSchema(text, schema), [ref.topic, ref.group]).catch((error) => {
    throw operationError(`Looking for the group '${ref.group}' of '${ref.topic}'`, error)
  })
  return row && placeOf(row)
}

/**
 * Makes ready what is due, as consumers do in their looks. Without one of them, nobody else would. Never rejects, because what is asked
 * afterwards is only less exact without it.
 */
export async function readyDue(database: Database, { schema }: Settings, grp: string): Promise<void> {
  await database.query(inSchema('SELECT count(*) FROM mq.look_1(ARRAY[$1::bigint])', schema), [grp]).catch(() => {})
}

/** Removes a group with its messages and dead letters. Rejects with `MQ_OPERATION_FAILED`. */
export async function dropGroup(database: Database, settings: Settings, grp: string): Promise<void> {
  await database
    .query(inSchema('SELECT mq.drop_group_1($1)', settings.schema), [grp], longerMs(settings))
    .catch((error) => {
      throw operationError('Deleting the group', error)
    })
}

const placeOf = (row: Readonly<Record<string, unknown>>): Place => ({ grp: String(row.id), topicId: String(row.topic) })
