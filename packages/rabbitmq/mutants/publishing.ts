import type { Mutant } from '@mq/test-brokers'

/** Faults in how messages are stored and delayed. */
export const publishing: readonly Mutant[] = [
  {
    id: 'unroutedLooksRouted',
    promise: 'A publish reports whether the topic had a group.',
    find: "this.isDelayed ? 'unknown' : this.isReturned ? 'no' : 'yes'",
    replace: "this.isDelayed ? 'unknown' : 'yes'",
    case: 'GRP-14',
    fast: true,
  },
  {
    id: 'returnedDelayIsStored',
    promise: 'A delayed message whose publish resolves is stored.',
    find: 'else if (parcel.isReturned && parcel.isDelayed) onDelayQueueMissing(parcel)',
    replace: 'else if (parcel.isReturned && parcel.isDelayed && parcel.isSettled) onDelayQueueMissing(parcel)',
    test: {
      file: 'test/delays.test.ts',
      title:
        'a delay queue or a binding of it that is gone is declared again by the next publish or retry that misses it',
    },
    why: 'No fault of the suite deletes what an adapter keeps delayed messages in.',
  },
  {
    id: 'refusedIsStored',
    promise: 'A publish that resolves is stored.',
    find: 'if (error) onRefused(parcel, error)',
    replace: 'if (error && parcel.isReturned) onRefused(parcel, error)',
    test: {
      file: 'test/publishing.test.ts',
      title: 'with a full queue a publish waits for room, then says that the message may not be stored',
    },
    why: 'No fault of the suite makes a broker refuse a single message.',
  },
  {
    id: 'sentIsCalledRejected',
    promise: 'A publish without an answer is not called rejected, because it may be stored.',
    find: 'parcel.maybeStored = true',
    replace: '',
    case: 'PUB-10',
  },
  {
    id: 'lostIsNotSentAgain',
    promise: 'Publishing continues after a cut.',
    find: 'for (const parcel of inFlight.clear().reverse()) waiting.unshift(parcel)',
    replace: 'inFlight.clear()',
    case: 'PUB-13',
  },
  {
    id: 'delaysAreRoundedDown',
    promise: 'A delayed message is never early.',
    find: 'Math.ceil(delayMs / unitMs)',
    replace: 'Math.floor(delayMs / unitMs)',
    case: 'DLY-1',
  },
  {
    id: 'firstVersionIsForgotten',
    promise: 'What a process of the first version delays comes out for a group that this version has declared.',
    find: 'await channel[kind](to, names.firstDue, firstDestinationPattern(to))',
    replace: '',
    test: {
      file: 'test/first-version.test.ts',
      title: 'delays messages and retries for a group that only this version has declared',
    },
    why: 'No other adapter has had another version.',
  },
  {
    id: 'burstsTakeNoLane',
    promise: 'A burst of delays holds up no delays of others.',
    find: "if (count > maxCalm) return 'bulk'",
    replace: "if (count < 0) return 'bulk'",
    test: {
      file: 'test/lanes.test.ts',
      title:
        'of what one destination gets within a quarter of a second, all beyond the first fifty take the lane for bursts',
    },
    why: 'Only a measurement shows how late a delay is.',
  },
  {
    id: 'keepsAFormerHeader',
    promise: 'Each message has its own headers, whatever the messages before it had.',
    find: 'field.value = kept(value) field.bytes = undefined',
    replace: 'field.value = kept(value)',
    test: { file: 'test/publish-frames.test.ts', title: 'are the bytes that the driver writes' },
    why: 'It needs a value that comes twice after another one came three times, on one connection, and cases share none in that order.',
  },
  {
    id: 'largeMessagesOvertake',
    promise: 'Messages are stored in the order of their publishes.',
    find: 'if (writer !== undefined) this.#flush(writer)',
    replace: '',
    test: { file: 'test/publishing.test.ts', title: 'messages of all sizes keep the order of publishing' },
    why: 'The cases on order publish small bodies.',
  },
]
