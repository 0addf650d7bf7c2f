import type { Mutant } from '@mq/test-brokers'

/** Faults in how messages reach handlers. */
export const consuming: readonly Mutant[] = [
  {
    id: 'oneRunTooMany',
    promise: 'No more handlers run at once than concurrency allows.',
    find: 'this.#running < this.#options.concurrency',
    replace: 'this.#running <= this.#options.concurrency',
    case: 'ORD-4',
  },
  {
    id: 'orderedTakesNoLock',
    promise: 'The order of keys is kept across all consumers of a group.',
    find: 'if (isOrderedGroup(options)) return await consumeOrdered(connection, parts)',
    replace: 'if (isOrderedGroup(options) && options.ephemeral) return await consumeOrdered(connection, parts)',
    case: 'ORD-6',
  },
  {
    id: 'keyChangesItsShare',
    promise: 'The order of keys is kept across all consumers of a group.',
    find: 'if (key !== undefined) return createHash',
    replace: 'if (key !== undefined && turn < 0) return createHash',
    case: 'ORD-6',
  },
  {
    id: 'instanceKeepsAllShares',
    promise: 'Instances of an ordered group share its keys.',
    find: 'return Math.ceil(shareCount / Math.max(1, consumerCount))',
    replace: 'return consumerCount < 0 ? 0 : shareCount',
    test: {
      file: 'test/ordered.test.ts',
      title: 'instances share the keys of a group; a join and a death even them out, and each key keeps its order',
    },
    why: 'No case of the suite asks which consumer handles a key.',
  },
  {
    id: 'sharesOfTheDeadAreNotConsumed',
    promise: 'The keys of an instance that was killed go on with the others.',
    find: 'for (const source of await holdings.take(quota)) await consume(source)',
    replace: 'for (const source of (await holdings.take(quota)).slice(0, 0)) await consume(source)',
    test: {
      file: 'test/ordered.test.ts',
      title: 'instances share the keys of a group; a join and a death even them out, and each key keeps its order',
    },
    why: 'ORD-11 kills an instance that leaves no keys to the other one, which then begins with all of them.',
  },
  {
    id: 'heartbeatsAreShorterThanSaid',
    promise: 'A handler may hold the event loop for as long as health says.',
    find: 'heartbeat: settings.heartbeatSeconds',
    replace: 'heartbeat: Math.ceil(settings.heartbeatSeconds / 20)',
    case: 'FLT-34',
  },
  {
    id: 'sharesAreLeftBehind',
    promise: 'A group that is no longer ordered loses nothing.',
    find: 'return isOrdered ? [own] : [own, ...(await leftShares(connection))]',
    replace: 'return isOrdered ? [own] : [own, ...(await leftShares(connection)).slice(0, 0)]',
    test: {
      file: 'test/ordered.test.ts',
      title: 'of a group that was ordered before, no message is left behind, and its place in the counts is known',
    },
    why: 'No other adapter divides a group into queues.',
  },
  {
    id: 'orderedRunsBesideItsKey',
    promise: 'Messages of one key are handled one at a time.',
    find: 'if (this.#options.ordered && !this.#lanes.enter(item.key, item)) return',
    replace: 'if (this.#options.ordered) this.#lanes.enter(item.key, item)',
    case: 'ORD-1',
  },
  {
    id: 'cancelledConsumerIsIgnored',
    promise: 'Consuming resumes after the broker has ended it.',
    find: "message === null ? ended.end({ by: 'broker' }) : session.receive(message, source)",
    replace: 'message === null ? undefined : session.receive(message, source)',
    case: 'HEA-8',
  },
  {
    id: 'deletedQueueIsNotReported',
    promise: 'A group destroyed at the broker is a data-loss event.',
    find: "const reportLoss = (reason: string): void => report({ type: 'data-loss', ...ref, reason })",
    replace:
      "const reportLoss = (reason: string): void => { if (reason === '') report({ type: 'data-loss', ...ref, reason }) }",
    case: 'HEA-8',
  },
  {
    id: 'silenceIsNotNoticed',
    promise: 'A connection to a silently dead broker is detected and replaced.',
    find: 'heartbeat: settings.heartbeatSeconds',
    replace: 'heartbeat: settings.heartbeatSeconds * 60',
    test: { file: 'test/recovering.test.ts', title: 'a link that falls silent is given up after two heartbeats' },
    why: 'The case FLT-17 is a long one.',
  },
  {
    id: 'stopWaitsForNoHandler',
    promise: 'Stop waits for running handlers.',
    find: 'if (!(await runs.until(() => !runs.isRunning, timeoutMs))) {',
    replace: 'if (!(await runs.until(() => !runs.isRunning, Math.min(timeoutMs, 1)))) {',
    case: 'SHD-1',
  },
  {
    id: 'ephemeralQueueStays',
    promise: 'An ephemeral subscription leaves nothing behind.',
    find: 'exclusive: true,\n    autoDelete: true,',
    replace: 'exclusive: false,\n    autoDelete: false,',
    case: 'EPH-9',
  },
]
