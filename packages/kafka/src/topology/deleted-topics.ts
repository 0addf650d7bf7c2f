import type { Cluster } from '../driver/cluster.js'

/**
 * Tells of a topic that was deleted. A broker that has just started may not know of one for a moment: only what stays unknown
 * for a second is gone.
 */
export function watchDeleted(cluster: Cluster, deleted: (topic: string) => void): (topic: string) => void {
  const asked = new Set<string>()
  return (topic) => {
    if (asked.has(topic)) return
    asked.add(topic)
    cluster
      .surePartitionsOf(topic)
      .then((found) => {
        if (found === undefined) deleted(topic)
      })
      // The reader asks again, and tells of it again.
      .catch(() => {})
      .finally(() => asked.delete(topic))
  }
}
