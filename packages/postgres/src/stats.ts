import { type GroupRef, type StoredStats, unknownStats } from '@mq/core/adapter'
import { operationError } from './connection/errors.js'
import type { Common } from './consume/common.js'
import { findGroup, readyDue } from './consume/place.js'
import { pauseOf } from './inspect/inspect.js'
import { inSchema } from './topology/names.js'

const of = (letter: string): string => `FROM mq.deliveries d WHERE d.grp = g.id AND d.state = '${letter}'`
const count = (letter: string): string => `(SELECT count(*)::int ${of(letter)})`
const age = (letter: string): string =>
  `coalesce((SELECT extract(epoch FROM clock_timestamp() - min(d.at)) * 1000 ${of(letter)}), 0)::float8`

const text = `SELECT g.paused_since, g.paused_by, ${count('r')} AS ready, ${count('f')} AS held, ${count('w')} AS retrying,
  ${count('d')} AS dead, ${age('r')} AS ready_ms, ${age('d')} AS dead_ms,
  (SELECT count(*)::int FROM mq.delayed x WHERE x.topic = g.topic)
    - (SELECT count(*)::int FROM mq.skips s WHERE s.grp = g.id) AS delayed
  FROM mq.groups g WHERE g.id = $1`

/** Counts the messages of a group. Rejects with `MQ_OPERATION_FAILED`. */
export async function statsOf({ link, settings }: Common, ref: GroupRef): Promise<StoredStats> {
  const place = await findGroup(link.consuming, settings, ref)
  if (place === undefined) return unknownStats
  await readyDue(link.consuming, settings, place.grp)
  const [row] = await link.consuming.query(inSchema(text, settings.schema), [place.grp]).catch((error) => {
    throw operationError('Reading the stats', error)
  })
  if (row === undefined) return unknownStats
  return {
    ready: Number(row.ready),
    inFlight: Number(row.held),
    delayed: Number(row.delayed),
    retrying: Number(row.retrying),
    dead: Number(row.dead),
    oldestReadyMs: ageOf(row.ready_ms),
    oldestDeadMs: ageOf(row.dead_ms),
    paused: pauseOf(row),
  }
}

const ageOf = (ms: unknown): number => Math.max(0, Math.round(Number(ms)))
