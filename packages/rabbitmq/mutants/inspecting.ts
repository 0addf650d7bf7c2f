import type { Mutant } from '@mq/test-brokers'

/** Faults in the lists of topics and groups, and in pauses. */
export const inspecting: readonly Mutant[] = [
  {
    id: 'pausedConsumerStartsMore',
    promise: 'A paused group starts nothing.',
    find: '    session.suspend()\n',
    replace: '',
    case: 'PAU-1',
  },
  {
    id: 'resumedConsumerWaitsForItsHandlers',
    promise: 'Consumers of a group that was resumed obey within 5 s.',
    find: '      session.resume()\n',
    replace: '',
    test: {
      file: 'test/pausing.test.ts',
      title: 'that is resumed while a handler runs goes on at once, and runs no more than concurrency allows',
    },
    why: 'No case of the suite resumes a group while a handler runs.',
  },
  {
    id: 'pauseIsNotKnownAtTheStart',
    promise: 'A consumer that starts later is paused.',
    find: 'if (gate.paused !== undefined) {\n        parts.onReady()',
    replace: 'if (gate.paused !== undefined && parts.wasReady()) {\n        parts.onReady()',
    test: {
      file: 'test/pausing.test.ts',
      title: 'takes nothing when it starts, not even for a moment',
    },
    why: 'The session that begins obeys a moment later, and gives back what it has taken.',
  },
  {
    id: 'secondPauseReplacesTheFirst',
    promise: 'Pausing twice keeps the first mark.',
    find: 'if (known !== undefined) return await store(signalLetter(known), what)',
    replace: 'if (known !== undefined) return await store(signalLetter({ topic, group, paused }), what)',
    case: 'PAU-9',
  },
  {
    id: 'deletedGroupStaysPaused',
    promise: 'A group that is deleted and declared again is not paused.',
    find: 'await groups.delete(ref)\n      await marks.resume(ref)',
    replace: 'await groups.delete(ref)',
    case: 'PAU-10',
  },
  {
    id: 'pauseOutlivesADeletionMeanwhile',
    promise: 'A group that is deleted and declared again is not paused.',
    find: "if (isMqError(error, 'MQ_GROUP_MISSING')) await marks.resume(ref)",
    replace: "if (isMqError(error, 'MQ_CLOSED')) await marks.resume(ref)",
    test: {
      file: 'test/pausing.test.ts',
      title: 'that is deleted at the same time leaves no mark for the next group of its name',
    },
    why: 'No case of the suite deletes a group while it is being paused.',
  },
  {
    id: 'lostPauserIsNotNoticed',
    promise: 'Every process obeys a pause that is stored.',
    find: 'if (now !== undefined && now !== count) await load(told.connection)',
    replace: 'if (now !== undefined && now < 0) await load(told.connection)',
    test: {
      file: 'test/pausing.test.ts',
      title: 'is noticed by a process that was not told, because the one that has paused it died before',
    },
    why: 'No fault of the suite ends a process between two of its messages.',
  },
  {
    id: 'wornMarksStay',
    promise: 'A pause lasts until the group is resumed.',
    find: "isWorn: typeof count === 'number' && count >= maxDeliveries",
    replace: "isWorn: typeof count === 'number' && count < 0",
    test: {
      file: 'test/pausing.test.ts',
      title: 'stays paused however often its mark is read, and what others write beside it does no harm',
    },
    why: 'The suite sets no policies at the broker.',
  },
  {
    id: 'topicsEndAtOnePage',
    promise: 'Every topic that has a group is listed.',
    find: '...(later.length > limit && last !== undefined && { next: last })',
    replace: '...(later.length > limit * 1_000 && last !== undefined && { next: last })',
    case: 'INS-1',
  },
  {
    id: 'ephemeralGroupsLookLasting',
    promise: 'Ephemeral groups are listed as such.',
    find: '[names.ephemeral, true]',
    replace: '[names.ephemeral, false]',
    case: 'INS-2',
  },
  {
    id: 'orderedInstancesAreNotCounted',
    promise: 'The consumers of a group are counted in all processes.',
    find: '...(isOrdered ? [names.roster(ref)] : [])',
    replace: '...(isOrdered ? [names.group(ref)] : [])',
    test: {
      file: 'test/inspecting.test.ts',
      title: 'count the instances of an ordered group, and those of one that was ordered before',
    },
    why: 'No case of the suite counts the consumers of an ordered group.',
  },
]
