import type { GroupRef } from '@mq/core/adapter'
import { operationError } from '../connection/errors.js'
import type { Common } from '../consume/common.js'
import { findGroup } from '../consume/place.js'
import { inSchema } from '../topology/names.js'
import { rowsOf } from './entry-id.js'

export interface Change {
  readonly change: 'remove' | 'runNow'
  readonly entryIds: readonly string[]
}

const named = 'unnest($2::bigint[], $3::int[]) AS n(message, claim)'

/** The delayed messages that are named and that the group has not skipped yet. From now on it skips them. */
const skipped = `SELECT x.id, x.topic, x.key, x.head, x.body FROM mq.delayed x JOIN mq.groups g ON g.topic = x.topic
  WHERE g.id = $1 AND x.id = ANY ($4::bigint[]) FOR UPDATE OF x`

const removeText = `WITH gone AS (
  DELETE FROM mq.deliveries d USING ${named}
  WHERE d.grp = $1 AND d.message = n.message AND d.claim = n.claim AND d.state IN ('r', 'w') RETURNING d.message
), meant AS MATERIALIZED (${skipped}), left_out AS (
  INSERT INTO mq.skips (delayed, grp) SELECT m.id, $1 FROM meant m ON CONFLICT DO NOTHING RETURNING delayed
) SELECT ((SELECT count(*) FROM gone) + (SELECT count(*) FROM left_out))::int AS count`

/** The group gets a copy of a delayed message at once, and skips it when it is due. */
const runNowText = `WITH readied AS (
  UPDATE mq.deliveries d SET state = 'r', at = clock_timestamp() FROM ${named}
  WHERE d.grp = $1 AND d.message = n.message AND d.claim = n.claim AND d.state = 'w' RETURNING d.message
), meant AS MATERIALIZED (${skipped}), left_out AS (
  INSERT INTO mq.skips (delayed, grp) SELECT m.id, $1 FROM meant m ON CONFLICT DO NOTHING RETURNING delayed
), copied AS MATERIALIZED (
  SELECT nextval('mq.message_ids') AS message, m.* FROM meant m WHERE m.id IN (SELECT l.delayed FROM left_out l)
), stored AS (
  INSERT INTO mq.messages (id, topic, key, head, body) SELECT c.message, c.topic, c.key, c.head, c.body FROM copied c
), given AS (
  INSERT INTO mq.deliveries (message, grp, key) SELECT c.message, $1, c.key FROM copied c
) SELECT ((SELECT count(*) FROM readied) + (SELECT count(*) FROM copied))::int AS count`

const texts = { remove: removeText, runNow: runNowText }
const words = { remove: 'Removing messages', runNow: 'Making messages ready' }

/** Removes messages of a group, or makes them ready, and returns how many. Rejects with `MQ_OPERATION_FAILED`. */
export async function changeWaiting(
  { link, settings, announcer }: Common,
  ref: GroupRef,
  { change, entryIds }: Change,
): Promise<number> {
  const place = await findGroup(link.consuming, settings, ref)
  if (place === undefined) return 0
  const { messages, claims, delayed } = rowsOf(place.grp, entryIds)
  if (messages.length + delayed.length === 0) return 0
  const values = [place.grp, messages, claims, delayed]
  const [row] = await link.consuming.query(inSchema(texts[change], settings.schema), values).catch((error) => {
    throw operationError(words[change], error)
  })
  if (change === 'runNow') announcer.messages(place.topicId)
  return Number(row?.count ?? 0)
}
