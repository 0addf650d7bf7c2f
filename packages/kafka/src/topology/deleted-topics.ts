import type { Cluster } from '../driver/cluster.js'

/**
 * Returns a function that checks whether a topic was deleted, and calls `onDeleted` if so. A broker that has just started may not
 * know a topic for a moment, so a topic counts as deleted only if it stays unknown for a second.
 */
export function watchDeleted(cluster: Cluster, onDeleted: (topic: string) => void): (topic: string) => void {
  const checking = new Set<string>()
  return (topic) => {
    if (checking.has(topic)) return
    checking.add(topic)
    cluster
      .confirmedPartitionsOf(topic)
      .then((found) => {
        if (found === undefined) onDeleted(topic)
      })
      // The reader will miss the topic again, and then it is checked again.
      .catch(() => {})
      .finally(() => checking.delete(topic))
  }
}
