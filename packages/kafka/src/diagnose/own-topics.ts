import type { Admin } from 'kafkajs'
import type { Settings } from '../options.js'

/** How many topics are looked at, at most. */
const maxTopics = 2_000

export interface OwnTopic {
  readonly name: string
  readonly kind: 'main' | 'waiting' | 'dead'
  readonly replicas: number
}

/** Finds the topics of this library by the topics that only it makes: those of retries, delays and dead letters, and what they belong to. */
export async function ownTopics(admin: Admin, { prefix }: Settings): Promise<readonly OwnTopic[]> {
  const { topics } = await admin.fetchTopicMetadata()
  const all = topics.filter(({ name }) => prefix === undefined || name.startsWith(`${prefix}--`))
  const names = new Set(all.flatMap(({ name }) => mainOf(name)))
  return all
    .map(({ name, partitions }): OwnTopic | undefined => {
      const kind = kindOf(name, names)
      return kind && { name, kind, replicas: Math.min(...partitions.map(({ replicas }) => replicas.length)) }
    })
    .filter((topic) => topic !== undefined)
    .slice(0, maxTopics)
}

/** Returns the names that the main topic of a `---` topic may have. Its own name is followed by that of a group, or by nothing. */
function mainOf(name: string): readonly string[] {
  const [, own] = /^(.+)---(?:delay|retry|dead)$/.exec(name) ?? []
  return own === undefined ? [] : [own, own.slice(0, Math.max(0, own.lastIndexOf('--')))]
}

function kindOf(name: string, mains: ReadonlySet<string>): OwnTopic['kind'] | undefined {
  if (/---(delay|retry)$/.test(name)) return 'waiting'
  if (name.endsWith('---dead')) return 'dead'
  return mains.has(name) ? 'main' : undefined
}

/** Says how many topics something is true of, and names one of them. */
export const counted = (topics: readonly { readonly name: string }[]): string =>
  `${topics.length} ${topics.length === 1 ? 'topic has' : 'topics have'} (${topics[0]?.name}${topics.length > 1 ? ', …' : ''})`
