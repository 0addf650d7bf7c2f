import type { GroupInfo, Page, PageRequest, TopicInfo, TopicRef } from '@mq/core/adapter'
import type { Link } from '../connection/link.js'
import { presencePrefix } from '../connection/presence.js'
import { retryWithin } from '../connection/retry.js'
import type { Settings } from '../options.js'
import { placeOf, topicKeys, topicsKey } from '../wire/keys.js'
import { decodeMark } from '../wire/pause-mark.js'
import { groupsScript } from '../wire/scripts/names.js'

/** Lists a page of the topics. Names of topics that another program has removed are left out. */
export async function listTopics(
  settings: Settings,
  link: Link,
  { limit, after }: PageRequest,
): Promise<Page<TopicInfo>> {
  const options = { what: 'Listing topics', link, timeoutMs: 2 * settings.commandTimeoutMs, isRepeatable: true }
  const from = after === undefined ? '-' : `(${after}`
  return await retryWithin(options, async () => {
    const range = [topicsKey(settings.prefix), from, '+', 'BYLEX', 'LIMIT', 0, limit + 1]
    const names = ((await link.send('ZRANGE', range)) as readonly Buffer[]).map(String)
    const shown = names.slice(0, limit)
    const exist = await Promise.all(
      shown.map((topic) => {
        const { stream, groups, delayed } = topicKeys(settings.prefix, topic)
        return link.send('EXISTS', [stream, groups, delayed])
      }),
    )
    const last = shown.at(-1)
    return {
      items: shown.filter((_, index) => Number(exist[index]) > 0).map((topic) => ({ topic })),
      ...(names.length > limit && last !== undefined && { next: last }),
    }
  })
}

type GroupsReply = readonly (readonly Buffer[])[]

/** Lists a page of the groups of a topic, by their names. */
export async function listGroups(
  settings: Settings,
  link: Link,
  { ref, page: { limit, after = '' } }: { readonly ref: TopicRef; readonly page: PageRequest },
): Promise<Page<GroupInfo>> {
  const options = { what: 'Listing groups', link, timeoutMs: 2 * settings.commandTimeoutMs, isRepeatable: true }
  // The name of the group is not part of the keys that are read.
  const { keys, form } = placeOf(settings.prefix, { ...ref, group: '' })
  const { groups, listeners, consumers, paused } = keys
  const reply = await retryWithin(options, () =>
    link.run(groupsScript, [groups, listeners, consumers, paused], [presencePrefix(settings.prefix)]),
  )
  const [declared = [], listening = [], present = [], marks = []] = (reply as GroupsReply).map((list) =>
    list.map(String),
  )
  const own = form === undefined ? '' : `${settings.prefix}:${ref.topic}:`
  const nameOf = (consumerGroup: string): string => consumerGroup.slice(own.length)

  const counts = new Map<string, number>()
  for (const consumer of present) {
    const group = nameOf(consumer.slice(0, consumer.indexOf(' ')))
    counts.set(group, (counts.get(group) ?? 0) + 1)
  }
  const pauses = new Map<string, string>()
  for (let at = 0; at < marks.length; at += 2) pauses.set(nameOf(marks[at] as string), marks[at + 1] as string)
  const infoOf = (group: string, ephemeral: boolean): GroupInfo => {
    const mark = pauses.get(group)
    const consumers = ephemeral ? 1 : (counts.get(group) ?? 0)
    return { topic: ref.topic, group, ephemeral, consumers, ...(mark !== undefined && { paused: decodeMark(mark) }) }
  }
  const infos = [
    ...declared.map((consumerGroup) => infoOf(nameOf(consumerGroup), false)),
    ...listening.map((group) => infoOf(group, true)),
  ]
  const later = infos.filter(({ group }) => group > after).sort((a, b) => (a.group < b.group ? -1 : 1))
  const shown = later.slice(0, limit)
  const last = shown.at(-1)
  return { items: shown, ...(later.length > limit && last !== undefined && { next: last.group }) }
}
