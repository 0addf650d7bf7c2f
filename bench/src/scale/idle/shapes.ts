import type { Setting } from '../part.js'

/** How the subscriptions of one process lie on topics and groups. */
export interface Shape {
  readonly kind: 'topics' | 'groups' | 'spread'
  readonly title: string
  readonly topics: number
  /** Groups of each topic. */
  readonly groups: number
}

export function shapesOf({ broker, sizes }: Setting): readonly Shape[] {
  const spread = sizes.spread.length === 0 && broker === 'kafka' ? [200] : sizes.spread
  const topics = sizes['spread-topics']
  return [
    ...sizes.subscriptions.map((count) => ({
      kind: 'topics' as const,
      title: `${count}, a topic each`,
      topics: count,
      groups: 1,
    })),
    ...sizes.groups.map((count) => ({
      kind: 'groups' as const,
      title: `${count} groups of one topic`,
      topics: 1,
      groups: count,
    })),
    ...spread.map((count) => ({
      kind: 'spread' as const,
      title: `${count} on ${topics} topics`,
      topics,
      groups: Math.ceil(count / topics),
    })),
  ]
}
