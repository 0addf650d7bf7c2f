import type { ConsumerHealth, Queue } from '../../../index.js'
import type { Kit } from '../../kit/kit.js'

/** A process obeys within 5 s; the rest is for a busy machine. */
const obeyMs = 20_000

const consumersOf = (queue: Queue, topic: string, group: string): readonly ConsumerHealth[] =>
  queue.health().consumers.filter((consumer) => consumer.topic === topic && consumer.group === group)

/** Waits until every consumer that these queues have of a group says that it is in a status. */
export async function untilAll(
  kit: Kit,
  status: ConsumerHealth['status'],
  {
    topic,
    group = 'g',
    queues,
  }: { readonly topic: string; readonly group?: string; readonly queues: readonly Queue[] },
): Promise<void> {
  const all = (): readonly ConsumerHealth[] => queues.flatMap((queue) => consumersOf(queue, topic, group))
  const isTold = (): boolean => all().length >= queues.length && all().every((consumer) => consumer.status === status)
  await kit.until(() => `all consumers to be ${status}; they are ${JSON.stringify(all())}`, isTold, {
    timeoutMs: obeyMs,
  })
}
