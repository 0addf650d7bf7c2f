import type { Mutant } from '@mq/test-brokers'

const ownWay = 'How a consumer learns of messages is the business of its adapter.'

/** Faults in how consumers learn that there is something to do. */
export const waking: readonly Mutant[] = [
  {
    id: 'restsWithoutBeingWoken',
    promise: 'A message is handled soon after it was published, although its consumer had nothing to do.',
    find: 'if (key !== undefined) this.#reported(key)',
    replace: 'if (key === null) this.#reported(key)',
    test: {
      file: 'test/rest.test.ts',
      title: 'is woken by other programs, for what is new, for what is due and for what is replayed',
    },
    why: 'A look once a second finds what was missed, and no promise says that a message is handled sooner.',
  },
  {
    id: 'neverLooks',
    promise: 'Messages are handled although the broker does not say that they are there.',
    find: 'rester.onFound(what)',
    replace: "rester.onFound('lanes')",
    test: {
      file: 'test/idle.test.ts',
      title: 'look together for messages if the server reports no changes, and say so once',
    },
    why: 'The suite runs as a user who may do everything.',
  },
  {
    id: 'trackingEndsUnnoticed',
    promise: 'A consumer is woken again soon after the broker has stopped to report changes.',
    find: "return flags.includes('on') && !flags.includes('broken_redirect') && String(redirect) === String(id)",
    replace: 'return flags.length >= 0 || redirect === id',
    test: { file: 'test/tracking.test.ts', title: 'because somebody has turned that off' },
    why: ownWay,
  },
  {
    id: 'chasesForgottenKeys',
    promise: 'A broker that forgets which keys were read is not kept busy by that.',
    find: 'const maxInVain = 50',
    replace: 'const maxInVain = 50_000_000',
    test: {
      file: 'test/tracking.test.ts',
      title: 'because it remembers fewer keys than there are, and is not kept busy by that',
    },
    why: ownWay,
  },
  {
    id: 'lendsWithoutLimit',
    promise: 'A process holds a few connections, however many of its subscriptions are busy.',
    find: 'this.#lent.size >= maxLent',
    replace: 'this.#lent.size >= 100 * maxLent',
    test: { file: 'test/busy.test.ts', title: 'share a few connections' },
    why: ownWay,
  },
  {
    id: 'keepsLoans',
    promise: 'A process at rest holds three connections.',
    find: 'const idleMs = 1_000',
    replace: 'const idleMs = 1_000_000',
    test: { file: 'test/busy.test.ts', title: 'share a few connections' },
    why: ownWay,
  },
  {
    id: 'lostLoansLoseMessages',
    promise: 'A message whose answer was lost with its connection is handled without delay.',
    find: 'intake.recheckPending()',
    replace: 'if (link.isClosed) intake.recheckPending()',
    test: { file: 'test/busy.test.ts', title: 'find what was lost on the way to them, and count no attempt for it' },
    why: ownWay,
  },
  {
    id: 'failedWatchIsToldAtOnce',
    promise: 'A consumer whose server is gone leaves the event loop to others.',
    find: 'for (const key of keys) this.#changedLate(key)',
    replace: 'for (const key of keys) this.#changed(key)',
    case: 'FLT-29',
  },
]
