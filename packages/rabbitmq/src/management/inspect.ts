import {
  type Adapter,
  type GroupInfo,
  type GroupPause,
  type GroupRef,
  MqError,
  type Page,
  type PageRequest,
} from '@mq/core/adapter'
import { countsOf } from '../connection/counts.js'
import { reply, replyCode, textOf } from '../connection/errors.js'
import type { Request } from '../connection/links.js'
import type { Settings } from '../options.js'
import { beginningOf, isCut, labelsIn, type Namespace } from '../topology/names.js'
import { ManagementRefusal } from './ask.js'
import { type Listing, listFrom } from './list.js'

export interface InspectionParts {
  readonly settings: Settings
  readonly names: Namespace
  readonly request: Request
  /** Resolves with the marks of paused groups, by topic and group with a space between them. */
  readonly paused: () => Promise<ReadonlyMap<string, GroupPause>>
}

/** A queue or an exchange as the management API shows it. */
interface Place {
  readonly name: string
  readonly labels: Partial<GroupRef>
  readonly consumers: number | undefined
}

/** A group whose consumers are not counted yet. */
interface Found extends GroupRef {
  readonly ephemeral: boolean
  readonly consumers: number | undefined
}

/** Creates the lists of topics and of groups, by the management API. AMQP alone lists nothing. */
export function createInspection(parts: InspectionParts): Required<Pick<Adapter, 'topics' | 'groups'>> {
  const { settings, names, request } = parts

  async function list(listing: Listing): Promise<readonly Place[]> {
    const doing = `Listing ${listing.what}`
    const { management } = settings
    if (management === undefined) throw new MqError('MQ_NOT_SUPPORTED', `${doing} needs the option management`)
    const { items, isWhole } = await listFrom(settings, management, listing).catch((cause: unknown) => {
      const isLogin = cause instanceof ManagementRefusal && [401, 403].includes(cause.status)
      const text = `${doing} failed: the management API answered with ${textOf(cause)}`
      throw new MqError(isLogin ? 'MQ_AUTH_FAILED' : 'MQ_OPERATION_FAILED', text, { cause })
    })
    if (!isWhole) throw new MqError('MQ_OPERATION_FAILED', `${doing} failed: there are more than ${items.length}`)
    return items.map(placeOf)
  }

  /** Counts by AMQP, as the management API is some seconds late. Resolves with undefined if the group is gone. */
  async function countConsumers(ref: GroupRef, isOrdered: boolean): Promise<number | undefined> {
    const queues = [names.group(ref), ...(isOrdered ? [names.roster(ref)] : [])]
    try {
      return await request('Counting consumers', async (channel) => {
        let count = 0
        // An ordered group has one consumer on its queue, and all on its roster.
        for (const queue of queues) count = Math.max(count, (await countsOf(channel, queue)).consumerCount)
        return count
      })
    } catch (error) {
      if (replyCode((error as MqError).cause) === reply.notFound) return undefined
      throw error
    }
  }

  return {
    async topics(page) {
      const start = names.topic('')
      const places = await list({ what: 'exchanges', starts: [start], columns: 'name,arguments' })
      const topics = places.flatMap(({ name, labels }) => {
        const topic = isCut(name) ? labels.topic : names.partsBehind(start, name)[0]
        return topic === undefined ? [] : [topic]
      })
      return pageByName(topics, page, (topic) => ({ topic }))
    },
    async groups({ topic }, page) {
      const starts = [names.group, names.ephemeral, names.roster].map((name) => beginningOf(name({ topic, group: '' })))
      const places = await list({ what: 'queues', starts, columns: 'name,arguments,consumers' })
      const all = new Set(places.map(({ name }) => name))
      const found = new Map(
        places.flatMap((place) => groupsIn(names, topic, place)).map((one) => [one.group, one] as const),
      )
      const { items, ...rest } = pageByName([...found.keys()], page, (group) => found.get(group) as Found)
      const marks = await parts.paused()
      const infos: GroupInfo[] = []
      for (const { group, ephemeral, consumers: given } of items) {
        const ref = { topic, group }
        const consumers = ephemeral ? given : await countConsumers(ref, all.has(names.roster(ref)))
        const paused = marks.get(`${topic} ${group}`)
        infos.push({ ...ref, ephemeral, consumers, ...(paused && { paused }) })
      }
      return { ...rest, items: infos }
    },
  }
}

function placeOf(item: unknown): Place {
  const { name, arguments: given, consumers } = (item ?? {}) as Record<string, unknown>
  return {
    name: typeof name === 'string' ? name : '',
    labels: labelsIn(given),
    consumers: typeof consumers === 'number' ? consumers : undefined,
  }
}

/** Returns the group to which a queue belongs, if it is one of this topic. */
function groupsIn(names: Namespace, topic: string, { name, labels, consumers }: Place): readonly Found[] {
  for (const [kind, ephemeral] of [
    [names.group, false],
    [names.ephemeral, true],
  ] as const) {
    if (isCut(name)) {
      const { group } = labels
      const isOurs = labels.topic === topic && group !== undefined && name.startsWith(kind({ topic, group }))
      if (isOurs) return [{ topic, group, ephemeral, consumers }]
      continue
    }
    // Behind the group of an ephemeral subscription its queue has an id.
    const parts = names.partsBehind(kind({ topic, group: '' }), name)
    const [group] = parts
    if (group !== undefined && parts.length === (ephemeral ? 2 : 1)) return [{ topic, group, ephemeral, consumers }]
  }
  return []
}

function pageByName<Item>(
  all: readonly string[],
  { limit, after = '' }: PageRequest,
  itemOf: (name: string) => Item,
): Page<Item> {
  const later = all.filter((name) => name > after).sort()
  const shown = later.slice(0, limit)
  const last = shown.at(-1)
  return { items: shown.map(itemOf), ...(later.length > limit && last !== undefined && { next: last }) }
}
