import type { Mutant } from '@mq/test-brokers'

/** Faults in the dead letters. */
export const deadLetters: readonly Mutant[] = [
  {
    id: 'missingDeadLetterQueueIsStored',
    promise: 'A message is acknowledged only after its dead letter is stored.',
    find: "if (status === 'stored' && routed !== 'no') return 'stored'",
    replace: "if (status === 'stored') return 'stored'",
    test: {
      file: 'test/dead-letters.test.ts',
      title: 'a dead-letter queue that was deleted is declared again before anything is lost',
    },
    why: 'No fault of the suite deletes what an adapter keeps dead letters in.',
  },
  {
    id: 'replayIsAcknowledgedFirst',
    promise: 'A replay that is interrupted loses nothing.',
    find: 'await useAll(used)',
    replace: `borrower.acknowledge(used)
        await useAll(used)`,
    case: 'DLQ-26',
  },
  {
    id: 'replayEndsAtAHundred',
    promise: 'A replay without ids replays all entries.',
    find: 'while (wanted?.size !== 0) {',
    replace: 'while (wanted?.size !== 0 && taken < 100) {',
    case: 'DLQ-23',
  },
  {
    id: 'replayForgetsItsTrace',
    promise: 'A replayed message knows where its last run is in a trace.',
    find: '...(before && { failure: before }), replayId',
    replace: 'replayId',
    case: 'DLQ-29',
  },
  {
    id: 'entryIsNamedByItsMessage',
    promise: 'A message that died twice has two entries.',
    find: "const letter = { queue: 'dead', delayMs: 0, entryId: randomUUID() } as const",
    replace: "const letter = { queue: 'dead', delayMs: 0, entryId: run.decoded.message.id } as const",
    case: 'DLQ-4',
  },
  {
    id: 'listShowsTheNewest',
    promise: 'A list begins with the entries that died first.',
    find: 'if (entries.length > limit) entries.pop()',
    replace: 'if (entries.length > limit) entries.shift()',
    case: 'DLQ-8',
    fast: true,
  },
  {
    id: 'purgeTakesTheFirst',
    promise: 'A purge removes the named entries and no others.',
    find: 'wanted === undefined || wanted.delete(entryIdOf(message))',
    replace: 'wanted === undefined || wanted.delete(entryIdOf(message)) || wanted.size > 0',
    case: 'DLQ-10',
  },
  {
    id: 'listsTakeNoTurns',
    promise: 'Listing changes nothing, for other readers neither.',
    find: 'if (replyCode(error) === reply.resourceLocked) return undefined\n    throw error\n  }\n}\n\nasync function whileTaken',
    replace:
      'if (replyCode(error) === reply.resourceLocked) return await openChannel(connection, "plain")\n    throw error\n  }\n}\n\nasync function whileTaken',
    case: 'DLQ-25',
  },
  {
    id: 'entriesAreNotRenewed',
    promise: 'Listing changes nothing, however often.',
    find: 'const maxDeliveries = 3\n\n/** How long storing a copy',
    replace: 'const maxDeliveries = 30\n\n/** How long storing a copy',
    test: {
      file: 'test/recovering.test.ts',
      title: 'a delivery limit that a policy sets drops no dead letter, however often they are listed',
    },
    why: 'Only RabbitMQ drops what is listed often, and only if a policy says so.',
  },
  {
    id: 'deletedGroupKeepsItsDeadLetters',
    promise: 'A deleted group is gone with its dead letters.',
    find: 'await channel.deleteQueue(names.dead(ref))',
    replace: '',
    case: 'GRP-8',
  },
]
