import { type DeadLetterStore, type GroupRef, type RawDeadLetter, unknownFailure } from '@mq/core/adapter'
import { operationError } from './connection/errors.js'
import type { Common } from './consume/common.js'
import { findGroup, longerMs } from './consume/place.js'
import { deliveryId, rowsOf } from './inspect/entry-id.js'
import { type Listed, listPage } from './inspect/lists.js'
import { inSchema } from './topology/names.js'

/** How many entries one statement changes. */
const maxEntries = 5_000

const chosen = `SELECT d.message FROM mq.deliveries d WHERE d.grp = $1 AND d.state = 'd' AND d.at <= to_timestamp($2::float8)
  ORDER BY d.at, d.message LIMIT ${maxEntries} FOR UPDATE`
const named = `SELECT d.message FROM mq.deliveries d JOIN unnest($2::bigint[], $3::int[]) AS n(message, claim)
  ON d.message = n.message AND d.claim = n.claim WHERE d.grp = $1 AND d.state = 'd' FOR UPDATE OF d`

/** Returns what `failureBeforeReplay` does, except that the stack stays, and changes the text alone: another program may have written it. */
const failureBefore = `CASE WHEN d.failure LIKE '%"traceparent":"%' THEN regexp_replace(d.failure, '"attempts":[0-9]+', '"attempts":0') END`

const replayText = (which: string): string => `WITH entries AS MATERIALIZED (${which}), replayed AS (
  UPDATE mq.deliveries d SET state = 'r', at = clock_timestamp(), attempt = 1, failure = ${failureBefore}
  FROM entries e WHERE d.grp = $1 AND d.message = e.message RETURNING 1
) SELECT count(*)::int AS count FROM replayed`
const purgeText = (which: string): string => `WITH entries AS MATERIALIZED (${which}), purged AS (
  DELETE FROM mq.deliveries d USING entries e WHERE d.grp = $1 AND d.message = e.message RETURNING 1
) SELECT count(*)::int AS count FROM purged`

const texts = {
  replay: { all: replayText(chosen), named: replayText(named), word: 'Replaying dead letters' },
  purge: { all: purgeText(chosen), named: purgeText(named), word: 'Purging dead letters' },
}

/** Creates the dead letters of a group. */
export function deadLetterStore(requireCommon: () => Common, ref: GroupRef): Required<DeadLetterStore> {
  async function page(request: { readonly limit: number; readonly after?: string }) {
    const { link, settings } = requireCommon()
    const place = await findGroup(link.consuming, settings, ref)
    const { grp } = place ?? { grp: '0' }
    const { items, next } = await listPage(link.consuming, 'dead', {
      schema: settings.schema,
      topic: ref.topic,
      grp,
      ...request,
    })
    return { items: items.map((one) => letterOf(one, grp)), ...(next !== undefined && { next }) }
  }

  async function change(what: keyof typeof texts, entryIds: readonly string[] | undefined): Promise<number> {
    const { link, settings, announcer, sweeper } = requireCommon()
    const place = await findGroup(link.consuming, settings, ref)
    if (place === undefined) return 0
    const { grp, topicId } = place
    const { all, named: some, word } = texts[what]
    const ask = async (text: string, values: readonly unknown[]): Promise<number> => {
      const rows = await link.consuming
        .query(inSchema(text, settings.schema), values, longerMs(settings))
        .catch((error) => {
          throw operationError(word, error)
        })
      return Number(rows[0]?.count ?? 0)
    }
    sweeper.noteUse(ref.topic)
    let count = 0
    if (entryIds !== undefined) {
      const { messages, claims } = rowsOf(grp, entryIds)
      if (messages.length > 0) count = await ask(some, [grp, messages, claims])
    } else {
      // A message that dies again meanwhile is left for the next call.
      const [now] = await link.consuming
        .query('SELECT extract(epoch FROM clock_timestamp())::float8 AS seconds')
        .catch((error) => {
          throw operationError(word, error)
        })
      let part = maxEntries
      while (part === maxEntries) {
        part = await ask(all, [grp, now?.seconds])
        count += part
      }
    }
    if (what === 'replay' && count > 0) announcer.messages(topicId)
    return count
  }

  return {
    async list({ limit }) {
      const items: RawDeadLetter[] = []
      let after: string | undefined
      do {
        const { items: more, next } = await page({ limit: limit - items.length, ...(after !== undefined && { after }) })
        items.push(...more)
        after = next
      } while (after !== undefined && items.length < limit)
      return items
    },
    page,
    replay: (entryIds) => change('replay', entryIds),
    purge: (entryIds) => change('purge', entryIds),
  }
}

const letterOf = ({ row, claim, atMs, message, failure }: Listed, grp: string): RawDeadLetter => ({
  entryId: deliveryId(grp, row, claim),
  message,
  failure: failure ?? unknownFailure(atMs),
})
