import type { Mutant } from '@mq/test-brokers'

/** Faults in how messages reach handlers, and in how far a partition is. */
export const consuming: readonly Mutant[] = [
  {
    id: 'removedPartitionsKeepFailing',
    promise: 'A consumer counts as recovering only while something that it reads fails.',
    find: 'if (position.isFailing) this.checkRecovery()',
    replace: '',
    case: 'HEA-8',
  },
  {
    id: 'commitsWhatWasRead',
    promise: 'A message that its consumer has not finished runs on another one.',
    find: 'return this.#entries.first?.offset ?? this.position',
    replace: 'return this.position',
    case: 'FLT-18',
  },
  {
    id: 'finishedRunsAgain',
    promise: 'A handled message does not run again because an earlier one was not finished.',
    find: 'const isFinished = this.#skipped.includes(record.offset)',
    replace: 'const isFinished = this.#skipped.includes(record.offset) && record.offset < 0',
    case: 'DEL-16',
  },
  {
    id: 'rangesAheadAreDropped',
    promise: 'A handled message is handled once, however little each owner reads before the next one comes.',
    find: 'finishedRanges(this.#entries, this.#skipped.from(this.position))',
    replace: 'finishedRanges(this.#entries, [])',
    test: {
      file: 'test/progress.test.ts',
      title: 'is handled once, however little each owner reads before the next one comes',
    },
    why: 'It takes owners that read less than the one before, which the suite cannot ask for.',
  },
  {
    id: 'finishedIsNotUncommitted',
    promise: 'A partition is not read further while too many records lie behind its oldest unfinished one.',
    find: 'return this.watermark < this.position ? this.#entries.length : 0',
    replace: 'return this.watermark < this.position ? this.open().length : 0',
    test: {
      file: 'test/rebalance.test.ts',
      title: 'reads no further than maxUncommitted past the oldest unfinished message, and then goes on',
    },
    why: 'The limit is an option of this adapter.',
  },
  {
    id: 'forwardedStaysInMemory',
    promise: 'Delayed messages arrive, however many wait.',
    find: 'if (entry.isForwarded) this.#begin(entry)',
    replace: "if (entry.isForwarded && state === 'void') this.#begin(entry)",
    test: {
      file: 'test/progress.test.ts',
      title: 'counts as waiting until it is written, so that a slow write pauses reading',
    },
    why: 'Reading stops only after thousands of them, which takes longer than a case may.',
  },
  {
    id: 'commitGateIsOpen',
    promise: 'A crash repeats at most twenty handled messages for each slot of its consumer.',
    find: 'return this.#options.member.isIn && this.#finished - this.#known >= this.#options.maxUncommitted',
    replace: 'return !this.#options.member.isIn && this.#finished - this.#known >= this.#options.maxUncommitted',
    test: { file: 'test/commit-gate.test.ts', title: 'starts at most twenty handlers for each slot' },
    why: 'How many handled messages a crash may repeat is a number of this adapter, and no promise limits it.',
  },
  {
    id: 'oneRunTooMany',
    promise: 'No more handlers run at once than concurrency allows.',
    find: 'while (this.#running < concurrency &&',
    replace: 'while (this.#running <= concurrency &&',
    case: 'CNC-1',
  },
  {
    id: 'orderedRunsBesideItsKey',
    promise: 'Messages of one key are handled one at a time.',
    find: 'if (ordered && message.key !== undefined) entry.key = message.key',
    replace: "if (ordered && message.key === '') entry.key = message.key",
    case: 'ORD-1',
  },
  {
    id: 'failureOfAKeyStaysInItsLane',
    promise: 'A message that fails releases its key.',
    find: 'if (entry.key !== undefined) this.#queue.leave(entry)',
    replace:
      "if (entry.key !== undefined && entry.decoded?.attempt === 1 && state === 'done') this.#queue.leave(entry)",
    case: 'ORD-5',
  },
  {
    id: 'ephemeralBeginsAtTheStart',
    promise: 'An ephemeral subscription gets no message from before it begins.',
    find: 'this.#add(at, ends.get(nameOf(at)) ?? 0)',
    replace: 'this.#add(at, Math.min(0, ends.get(nameOf(at)) ?? 0))',
    case: 'EPH-1',
  },
  {
    id: 'finishedBehindIsReady',
    promise: 'stats do not count handled messages, also behind one that still runs.',
    find: 'end - from - progress.doneCount',
    replace: 'end - from',
    test: { file: 'test/unsettled.test.ts', title: 'is finished once it is stored in the' },
    why: 'It takes a message that ends before an earlier one of its partition, and a case knows no partitions.',
  },
  {
    id: 'replayedIsDelayed',
    promise: 'stats count replayed messages as ready.',
    find: 'await append({ topic: retryTopic, partition: tierFor(0) }, replayed)',
    replace: 'await append({ topic: retryTopic, partition: tierFor(3_600_000) }, replayed)',
    case: 'STA-6',
  },
]
