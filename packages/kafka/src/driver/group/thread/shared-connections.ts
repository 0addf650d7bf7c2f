import { type ClientSettings, clientConfig, defaultClient } from '../../client.js'
import { Cluster } from '../../cluster.js'

/** Creates the connections of the thread. Members with the same number share them, and the last one closes them. */
export function createSharedConnections() {
  const shared = new Map<number, { readonly cluster: Cluster; users: number }>()
  return {
    open(number: number, client: ClientSettings): Cluster {
      const found = shared.get(number)
      if (found !== undefined) {
        found.users += 1
        return found.cluster
      }
      const cluster = new Cluster({ ...client, client: defaultClient(clientConfig(client)) })
      shared.set(number, { cluster, users: 1 })
      return cluster
    },
    /** Is called once for each call of `open`. */
    close(number: number): void {
      const found = shared.get(number)
      if (found === undefined) return
      found.users -= 1
      if (found.users > 0) return
      shared.delete(number)
      found.cluster.close()
    },
  }
}

export type SharedConnections = ReturnType<typeof createSharedConnections>
