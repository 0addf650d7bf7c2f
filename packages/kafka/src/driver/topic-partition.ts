export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`

export function byTopic<T extends TopicPartition>(partitions: Iterable<T>): Map<string, T[]> {
  const topics = new Map<string, T[]>()
  for (const one of partitions) {
    const found = topics.get(one.topic)
    if (found === undefined) topics.set(one.topic, [one])
    else found.push(one)
  }
  return topics
}
