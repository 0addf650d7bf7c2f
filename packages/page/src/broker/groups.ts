import type { GroupInfo, Queue, QueueStats } from '@mq/core'
import { createHistory } from './history.js'
import type { Problem, Reading, Reads } from './reads.js'

/** A group as the page lists it. */
export interface GroupState {
  readonly topic: string
  readonly group: string
  readonly isEphemeral: boolean
  /** Undefined if the broker does not know. */
  readonly consumers: number | undefined
  readonly stats: Reading<QueueStats>
  /** How the number of ready messages changes, a second. Undefined while that is not known. */
  readonly readyRate: number | undefined
  readonly deadRate: number | undefined
}

/** Younger answers are shared by everybody who looks. */
export const freshMs = 1_900
const namesMs = 10_000
const maxGroups = 100

/** Names a group within this process. */
const keyOf = (topic: string, group: string): string => JSON.stringify([topic, group])

/** Creates the reads of groups. */
export function createGroups(queue: Queue, reads: Reads) {
  const history = createHistory()

  const statsOf = (topic: string, group: string): Promise<Reading<QueueStats>> =>
    reads.share(`stats ${keyOf(topic, group)}`, freshMs, async () => {
      const stats = await queue.stats(topic, group)
      history.add(keyOf(topic, group), stats)
      return stats
    })

  /** Lists the groups of a topic. If the broker cannot, those that this process consumes are known. */
  const groupsOf = (topic: string): Promise<Reading<readonly GroupInfo[]>> =>
    reads.share(`groups ${JSON.stringify(topic)}`, freshMs, async () =>
      queue.capabilities.listsGroups ? (await queue.groups(topic, { limit: maxGroups })).items : consumedHere(topic),
    )

  const consumedHere = (topic: string): readonly GroupInfo[] => {
    const names = new Set(queue.health().consumers.flatMap((one) => (one.topic === topic ? [one.group] : [])))
    return [...names].map((group) => ({ topic, group, ephemeral: false, consumers: undefined }))
  }

  async function stateOf({ topic, group, ephemeral, consumers }: GroupInfo): Promise<GroupState> {
    const stats = await statsOf(topic, group)
    const key = keyOf(topic, group)
    const [readyRate, deadRate] = [history.rateOf(key, 'ready'), history.rateOf(key, 'dead')]
    return { topic, group, isEphemeral: ephemeral, consumers, stats, readyRate, deadRate }
  }

  return {
    groupsOf,
    stateOf,
    samplesOf: (topic: string, group: string) => history.of(keyOf(topic, group)),
    /** Reads one group by its name, whether or not the broker can list groups. */
    async find(topic: string, group: string): Promise<GroupState> {
      const listed = await groupsOf(topic)
      const info = listed.value?.find((one) => one.group === group)
      return stateOf(info ?? { topic, group, ephemeral: false, consumers: undefined })
    },
    /** Lists the topics of this library, as many as the page looks at, in the order of their names. */
    topics: (): Promise<Reading<Topics>> => reads.share('topics', namesMs, () => topicsOf(queue)),
    /** Says why the broker cannot list its topics, and what would help. Undefined if it can. */
    async refusal(): Promise<Problem | undefined> {
      if (queue.capabilities.listsTopics) return undefined
      return (await reads.share('refusal', namesMs, () => queue.topics({ limit: 1 }))).problem
    },
    /** Forgets what was read of a group, because it was changed. */
    forget(topic: string, group: string): void {
      reads.forget(`stats ${keyOf(topic, group)}`)
      reads.forget(`groups ${JSON.stringify(topic)}`)
    },
  }
}

export type Groups = ReturnType<typeof createGroups>

export interface Topics {
  readonly names: readonly string[]
  /** False if the broker has more than the page looks at. */
  readonly isWhole: boolean
}

const maxTopics = 10_000
const topicsAtOnce = 1_000

async function topicsOf(queue: Queue): Promise<Topics> {
  if (!queue.capabilities.listsTopics) {
    return { names: [...new Set(queue.health().consumers.map(({ topic }) => topic))].sort(), isWhole: false }
  }
  const names: string[] = []
  let after: string | undefined
  do {
    const page = await queue.topics({ limit: topicsAtOnce, ...(after !== undefined && { after }) })
    names.push(...page.items.map(({ topic }) => topic))
    after = page.next
  } while (after !== undefined && names.length < maxTopics)
  return { names: names.sort(), isWhole: after === undefined }
}
