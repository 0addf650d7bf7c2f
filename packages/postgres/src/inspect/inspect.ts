import type { Adapter, GroupInfo, GroupPause, PageRequest, WaitingStore } from '@mq/core/adapter'
import { MqError } from '@mq/core/adapter'
import type { Row } from '../connection/connection.js'
import { operationError } from '../connection/errors.js'
import type { Common } from '../consume/common.js'
import { findGroup, readyDue } from '../consume/place.js'
import { inSchema } from '../topology/names.js'
import { changeWaiting } from './changes.js'
import { delayedId, deliveryId } from './entry-id.js'
import { listPage } from './lists.js'

type Inspection = Required<Pick<Adapter, 'topics' | 'groups' | 'waiting' | 'pauseGroup' | 'resumeGroup'>>

const groupColumns = `g.name, g.process IS NOT NULL AS ephemeral, g.paused_since, g.paused_by,
  (SELECT count(*)::int FROM mq.consumers c WHERE c.grp = g.id) AS consumers`

/** Creates the members of the adapter that look into the database, and those that pause groups. */
export function inspectionOf(requireCommon: () => Common): Inspection {
  async function ask(what: string, text: string, values: readonly unknown[]): Promise<readonly Row[]> {
    const { link, settings } = requireCommon()
    return await link.consuming.query(inSchema(text, settings.schema), values).catch((error) => {
      throw operationError(what, error)
    })
  }

  return {
    async topics({ limit, after = '' }) {
      const text = 'SELECT t.name FROM mq.topics t WHERE t.name > $1 ORDER BY t.name LIMIT $2'
      const rows = await ask('Listing topics', text, [asText(after), limit + 1])
      return pageByName(rows, limit, ({ name }) => ({ topic: String(name) }))
    },
    async groups({ topic }, { limit, after = '' }: PageRequest) {
      const text = `SELECT ${groupColumns} FROM mq.groups g JOIN mq.topics t ON t.id = g.topic
        WHERE t.name = $1 AND g.name > $2 ORDER BY g.name LIMIT $3`
      const rows = await ask('Listing groups', text, [topic, asText(after), limit + 1])
      return pageByName(rows, limit, (row): GroupInfo => {
        const paused = pauseOf(row)
        return {
          topic,
          group: String(row.name),
          ephemeral: row.ephemeral === true,
          consumers: Number(row.consumers),
          ...(paused && { paused }),
        }
      })
    },
    waiting: (ref): WaitingStore => ({
      async list({ state, ...page }) {
        const { link, settings } = requireCommon()
        const place = await findGroup(link.consuming, settings, ref)
        if (place === undefined) return { items: [] }
        const { grp } = place
        await readyDue(link.consuming, settings, grp)
        const request = { schema: settings.schema, topic: ref.topic, grp, ...page }
        const { items, next } = await listPage(link.consuming, state, request)
        return {
          items: items.map(({ row, claim, atMs, attempt, failure, message }) => ({
            entryId: state === 'delayed' ? delayedId(grp, row) : deliveryId(grp, row, claim),
            state,
            message,
            attempt,
            ...(failure && { failure }),
            ...((state === 'delayed' || state === 'retrying') && { dueAt: atMs }),
            ...(state === 'inFlight' && { startedAt: atMs }),
          })),
          ...(next !== undefined && { next }),
        }
      },
      remove: (entryIds) => changeWaiting(requireCommon(), ref, { change: 'remove', entryIds }),
      runNow: (entryIds) => changeWaiting(requireCommon(), ref, { change: 'runNow', entryIds }),
    }),
    async pauseGroup(ref, { since, by }) {
      const { link, settings, announcer } = requireCommon()
      const place = await findGroup(link.consuming, settings, ref)
      const text = `UPDATE mq.groups g SET paused_since = coalesce(g.paused_since, $2), paused_by = coalesce(g.paused_by, $3)
        WHERE g.id = $1 RETURNING 1`
      const rows = place === undefined ? [] : await ask('Pausing the group', text, [place.grp, since, by])
      if (place === undefined || rows.length === 0) {
        throw new MqError('MQ_GROUP_MISSING', `The topic '${ref.topic}' has no group '${ref.group}'`)
      }
      announcer.changes(place.topicId)
    },
    async resumeGroup(ref) {
      const { link, settings, announcer } = requireCommon()
      const place = await findGroup(link.consuming, settings, ref)
      if (place === undefined) return
      await ask('Resuming the group', 'UPDATE mq.groups g SET paused_since = NULL, paused_by = NULL WHERE g.id = $1', [
        place.grp,
      ])
      announcer.changes(place.topicId)
    },
  }
}

/** A text of the database has no null characters, and nobody knows who has made up this one. */
const asText = (after: string): string => after.replaceAll('\0', '').slice(0, 1_000)

export const pauseOf = ({ paused_since, paused_by }: Row): GroupPause | undefined =>
  paused_since == null ? undefined : { since: Number(paused_since), by: String(paused_by) }

function pageByName<Item>(rows: readonly Row[], limit: number, itemOf: (row: Row) => Item) {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return { items: shown.map(itemOf), ...(rows.length > limit && last && { next: String(last.name) }) }
}
