import type { Mutant } from '@mq/test-brokers'

/** Faults in how the subscriptions of a process share what reads for them. */
export const reading: readonly Mutant[] = [
  {
    id: 'closedIsStillRead',
    promise: 'A consumer gets nothing of a partition that it gave up.',
    find: 'position.lane?.remove(position)\n    if (this.positions.get(position.name)',
    replace: 'if (this.positions.get(position.name)',
    test: {
      file: 'test/reading.test.ts',
      title: 'drop what was read for a partition that was given up, also if it is read anew',
    },
    why: 'A consumer drops such records too, as it looks for their partition among those that it owns.',
  },
  {
    id: 'readersShareBytes',
    promise: 'A handler may change the bytes that it gets.',
    find: 'readData(isTaken ? copyOf(data) : data,',
    replace: 'readData(data,',
    test: {
      file: 'test/reading.test.ts',
      title: 'share no bytes, so that one of them may change what it has read',
    },
    why: 'The bodies that handlers of the suite get are made of these bytes, and are not the bytes themselves.',
  },
  {
    id: 'resumedStaysForgotten',
    promise: 'A consumer that had enough in memory reads on when it has less.',
    find: 'if (!this.fits(position)) return false\n    this.#change(position)',
    replace: 'if (!this.fits(position)) return false',
    test: {
      file: 'test/reading.test.ts',
      title: 'go on while one of them is full, and that one gets the rest when it is not full any more',
    },
    why: 'A consumer has enough after thousands of messages in one partition.',
  },
  {
    id: 'partitionsHaveNoCommonLimit',
    promise: 'A subscription holds a limited number of bytes in memory, however many partitions it reads.',
    find: 'this.#unstarted = at.kind',
    replace: 'this.#unstarted = false && at.kind',
    test: {
      file: 'test/tracker.test.ts',
      title: 'are not read further while much of them together is in memory, except those that have nothing',
    },
    why: 'It takes more bytes than a case may publish.',
  },
  {
    id: 'removedCountsAsRead',
    promise: 'What goes on failing is reported once.',
    find: 'slot.asked = slot.asked.filter((one) => one !== position)\n',
    replace: '',
    test: {
      file: 'test/reading.test.ts',
      title: 'hear of an error once, also if an answer that brought it is still being read when they try again',
    },
    why: 'An answer has to take longer to be read than the pause after an error, which only a slow codec does on purpose.',
  },
  {
    id: 'allUnpackAtOnce',
    promise: 'Compressed batches take a limited number of bytes in memory, however many are read.',
    find: 'const read = isPacked(data.batches)\n',
    replace: 'const read = isPacked(data.batches.subarray(0, 0))\n',
    test: { file: 'test/reading.test.ts', title: 'unpack one compressed batch at a time, also those that do not' },
    why: 'It takes batches that grow to more than a case may need.',
  },
  {
    id: 'oldBrokerIsAccepted',
    promise: 'A broker that lacks a request is refused with the name of the request.',
    find: 'requireVersions(broker)',
    replace: 'if (isMqError(broker)) requireVersions(broker)',
    test: {
      file: 'test/versions.test.ts',
      title: 'refuses a broker that is too old for a request, and says for which',
    },
    why: 'The suite cannot make a broker old.',
  },
  {
    id: 'kafka23IsTaken',
    promise:
      'A broker that has no default for the replicas of a topic is refused, and not only when the first topic is created.',
    find: "{ name: 'CreateTopics', key: 19, from: 4, to: 3 }",
    replace: "{ name: 'CreateTopics', key: 19, from: 3, to: 3 }",
    test: {
      file: 'test/versions.test.ts',
      title: 'refuses Kafka 2.3, which has no default for the replicas of the topics that the adapter creates',
    },
    why: 'The suite cannot make a broker old.',
  },
]
