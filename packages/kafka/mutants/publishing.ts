import type { Mutant } from '@mq/test-brokers'

/** Faults in how messages are stored. */
export const publishing: readonly Mutant[] = [
  {
    id: 'unansweredIsRejected',
    promise: 'A publish is rejected as not stored only if the message is certainly not stored.',
    find: 'if (!isAmbiguous(error)) batch.forEach(',
    replace: 'batch.forEach(',
    case: 'PUB-18',
  },
  {
    id: 'unansweredIsStored',
    promise: 'A publish that resolves is stored, also if its answer was lost.',
    find: 'return error\n    }\n    for (const parcel of batch) settleParcel(parcel, stored)',
    replace:
      'if (!isAmbiguous(error)) return error\n    }\n    for (const parcel of batch) settleParcel(parcel, stored)',
    case: 'PUB-19',
  },
  {
    id: 'retriedBatchesComeLast',
    promise: 'The messages of a key are stored in publish order, also across a lost connection.',
    find: 'this.#parcels = [...batch, ...this.#parcels]',
    replace: 'this.#parcels = [...this.#parcels, ...batch]',
    case: 'PUB-20',
  },
  {
    id: 'keyDoesNotChooseThePartition',
    promise: 'The order of keys is kept across all consumers of a group.',
    find: 'else if (parcel.record.key !== null) this.#keyed.push(parcel)',
    replace: "else if (parcel.record.key === '') this.#keyed.push(parcel)",
    case: 'ORD-6',
  },
  {
    id: 'oneTooLargeRefusesAll',
    promise: 'A message that the broker refuses does not disturb those sent beside it.',
    find: '} else if (isOfSomeRecords(failure) && batch.length > 1) {',
    replace: '} else if (isOfSomeRecords(failure) && batch.length > maxBatchRecords) {',
    test: {
      file: 'test/topics.test.ts',
      title: 'rejects a message that is too large for the broker, and stores those sent beside it',
    },
    why: 'The suite knows the limit of the adapter alone, not that of a broker.',
  },
  {
    id: 'disconnectGivesPublishesUp',
    promise: 'A disconnect sends the messages that were published before it.',
    find: 'await outbox.close(Math.max(0, endsAt - performance.now()))',
    replace: 'await outbox.close(0)',
    case: 'SHD-15',
    fast: true,
  },
]
