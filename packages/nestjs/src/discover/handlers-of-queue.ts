import type { DiscoveryService, MetadataScanner } from '@nestjs/core'
import { type FoundHandler, findHandlers } from './handlers.js'
import { refuseDuplicates, refuseLeftOut, refuseParams, requireQueues } from './refuse.js'

interface Parts {
  readonly discovery: DiscoveryService
  readonly scanner: MetadataScanner
  /** The name of the queue. */
  readonly name: string | undefined
  /** The group of subscriptions that name none. */
  readonly group: string | undefined
}

export interface HandlersOfQueue {
  /** Lists the decorated methods that are for this queue. */
  list(): readonly FoundHandler[]
  /** Throws if a decorated method of the application cannot work. */
  check(): void
}

/** Creates what finds the handlers of a queue. All providers have to be there when it is asked. */
export function createHandlersOfQueue({ discovery, scanner, name, group }: Parts): HandlersOfQueue {
  const own = (all: readonly FoundHandler[]) => all.filter(({ mark }) => mark.queue === name)
  return {
    list: () => own(findHandlers({ discovery, scanner })),
    check() {
      const all = findHandlers({ discovery, scanner })
      all.forEach(refuseParams)
      all.forEach(refuseLeftOut)
      requireQueues(all, discovery)
      refuseDuplicates(own(all), group)
    },
  }
}
