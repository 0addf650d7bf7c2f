import type { Mutant } from '@mq/test-brokers'

/** Faults in groups, their members, and the connections of these. */
export const groups: readonly Mutant[] = [
  {
    id: 'groupBeginsTooEarly',
    promise: 'A group begins with the messages published after its creation.',
    find: "startFrom === 'latest' ? 'end' : 'start'",
    replace: "startFrom === 'latest' ? 'start' : 'end'",
    case: 'GRP-10',
  },
  {
    id: 'deletedGroupLeavesItsDead',
    promise: 'A deleted group is gone with its messages and dead letters.',
    find: 'await topology.remove([retry, dead])',
    replace: 'await topology.remove([retry])',
    case: 'GRP-8',
  },
  {
    id: 'leavesNoGroup',
    promise: 'What a stopped consumer had not started is handled at once by another.',
    find: "if (coordinator === undefined || memberId === '') return",
    replace: "if (coordinator === undefined || memberId !== '') return",
    test: {
      file: 'test/membership.test.ts',
      title: 'is one member of its group after the group was deleted several times at a time',
    },
    why: 'The messages of a member that does not leave are handled after the session, which is short in the suite.',
  },
  {
    id: 'doesNotWaitForRevoked',
    promise: 'A member that joins during the work makes no message run on two at once.',
    find: 'await this.#listener.revoked(partitions)',
    replace: 'void this.#listener.revoked(partitions)',
    case: 'GRP-20',
  },
  {
    id: 'standstillIsForgotten',
    promise: 'A message that was handled while its process stood still is not run again and again.',
    find: 'const runs = stoodStill ?',
    replace: 'const runs = !stoodStill ?',
    test: {
      file: 'test/lost-partitions.test.ts',
      title: 'goes on behind what was finished, and with the runs that were under way',
    },
    why: 'FLT-33 sees it only if the loss is noticed before the handler has ended.',
  },
  {
    id: 'expiredIsNotNoticed',
    promise: 'A handler whose message may run elsewhere sees its signal abort.',
    find: 'return this.#lastContact + this.#options.sessionTimeoutMs',
    replace: 'return this.#lastContact + 1_000 * this.#options.sessionTimeoutMs',
    case: 'FLT-28',
  },
  {
    id: 'pausedTrustsItsThread',
    promise: 'The answer of a handler counts only while its consumer owns the message.',
    find: '!(sharedNow() <= (this.#validUntil[0] ?? 0))',
    replace: '!(sharedNow() <= (this.#validUntil[0] ?? 0) + 1e9)',
    test: {
      file: 'test/thread-member.test.ts',
      title:
        'has lost its partitions once the time that the thread has written is over, although the thread says nothing',
    },
    why: 'The thread says the same a moment later, unless the whole process was paused.',
  },
  {
    id: 'threadKeepsWhatIsGivenUp',
    promise: 'No message of a group waits for ever.',
    find: 'if (losses === this.#losses) this.#current?.giveUp(cause)',
    replace: 'if (losses !== this.#losses) this.#current?.giveUp(cause)',
    test: {
      file: 'test/thread-member.test.ts',
      title: 'gives up what the main thread has lost, unless it has said so itself',
    },
    why: 'The main thread notices it first only if an answer of the group is nearly as late as a session is long.',
  },
  {
    id: 'waitsWhileItStandsStill',
    promise: 'A handler that holds the event loop keeps its message.',
    find: "if (wake === 'rebalance') return false",
    replace: "if (wake === 'rebalance') await this.#change",
    test: {
      file: 'test/member.test.ts',
      title: 'joins again with a claim to what it was given, and takes that once',
    },
    why: 'No case lets a process stand still while its group changes twice.',
  },
  {
    id: 'fencedKeepsItsPartitions',
    promise: 'The answer of a handler counts only while its consumer owns the message.',
    find: 'if (!this.#stopped) this.#lose(this.#fencedError())',
    replace: 'if (this.#stopped) this.#lose(this.#fencedError())',
    test: { file: 'test/member.test.ts', title: 'joins without a claim if it hears that while it is about to join' },
    why: 'A member that was cut off for long is fenced and expired at the same time, and either ends its ownership.',
  },
  {
    id: 'lossIsNotReported',
    promise: 'A group that was destroyed at the broker is a data-loss event.',
    find: 'if (trackers.some(({ position }) => position > 0)) this.#reportLoss(reason)',
    replace: 'if (trackers.some(({ position }) => position < 0)) this.#reportLoss(reason)',
    case: 'HEA-8',
  },
  {
    id: 'joinsAgainAsAnother',
    promise: 'A consumer whose connection breaks while it joins does not hold up its group.',
    find: 'onNamed: (memberId) => {\n        this.#memberId = memberId\n',
    replace: 'onNamed: (memberId) => {\n        void memberId\n',
    test: {
      file: 'test/membership.test.ts',
      title: 'that loses its connection while it joins comes back as the same member',
    },
    why: 'The member that is gone holds up the group for a session, which is shorter in the suite than what its cases wait.',
  },
  {
    id: 'silentMainThreadLeavesAtOnce',
    promise: 'A handler may hold the event loop for as long as health says.',
    find: 'if (!served.isStarted || silentMs <= served.maxStallMs) continue',
    replace: 'if (!served.isStarted || silentMs <= 2_000) continue',
    case: 'FLT-34',
  },
]
