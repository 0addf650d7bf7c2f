import type { Mutant } from '@mq/test-brokers'

/** Faults in groups, and in what they leave at the broker. */
export const groups: readonly Mutant[] = [
  {
    id: 'trimsPending',
    promise: 'A message that a consumer still handles is not removed, however many follow it.',
    find: 'if oldest and is_before(oldest, first) then first = oldest end',
    replace: '',
    test: {
      file: 'test/trimming.test.ts',
      title: 'never removes messages that a group has not read or a consumer has not settled',
    },
    why: 'How many finished messages a stream keeps is an option of this adapter, and far more than a case would publish.',
  },
  {
    id: 'deletedGroupKeepsDeadLetters',
    promise: 'A deleted group is gone with its dead letters.',
    find: 'for i = 7, #KEYS do own[#own + 1] = KEYS[i] end',
    replace: 'for i = 7, 9 do own[#own + 1] = KEYS[i] end',
    case: 'GRP-8',
    fast: true,
  },
  {
    id: 'declaresVanishedGroupAtTheEnd',
    promise: 'A group that has vanished gets the retained messages again, because nobody knows what it had read.',
    find: "for i, start in ipairs({known == 1 and '0' or ARGV[2], '0'}) do",
    replace: "for i, start in ipairs({ARGV[2], '0'}) do",
    test: { file: 'test/loss.test.ts', title: 'is reported when a declared group has vanished' },
    why: 'What a broker still has of a group that it lost is a promise of this adapter alone.',
  },
  {
    id: 'declaresInPlaceOfOthers',
    promise: 'A group begins with the messages published after its creation.',
    find: "const args = [place.consumerGroup, startFrom === 'earliest' ? '0' : '$', mkstream(place)]",
    replace: "const args = [place.consumerGroup, '0', mkstream(place)]",
    case: 'GRP-10',
    fast: true,
  },
  {
    id: 'sharesRetriesBetweenGroups',
    promise: 'A message that fails in one group runs once in each other group.',
    find: `due: \`\${base}:due\`, dueData: \`\${base}:due:data\`,`,
    replace: `due: \`\${topicBase}:due\`,\n    dueData: \`\${topicBase}:due:data\`,`,
    case: 'RET-13',
  },
  {
    id: 'ephemeralStaysListed',
    promise: 'An ephemeral subscription that has ended leaves nothing behind.',
    find: 'script("return redis.call(\'ZREM\', KEYS[1], ARGV[1])", { whenFull: true })',
    replace: 'script("return redis.call(\'ZSCORE\', KEYS[1], ARGV[1])", { whenFull: true })',
    test: {
      file: 'test/ephemeral.test.ts',
      title: 'gets every message from now on without a group, and leaves nothing at the broker',
    },
    why: 'What stays is the entry of one subscription, which vanishes with its claim before the suite would call it left behind.',
  },
  {
    id: 'killedEphemeralStays',
    promise: 'An ephemeral subscription whose process was killed leaves nothing behind.',
    find: "if #crashed > 0 then redis.call('ZREM', KEYS[2], unpack(crashed)) end redis.call('PEXPIRE', KEYS[2], 2 * lasting)",
    replace: '',
    case: 'EPH-9',
  },
  {
    id: 'countsWaitingAsRunning',
    promise: 'Stats count messages that wait for another of their key as ready.',
    find: 'local ready, running = set_aside + due_own + due_topic - passed, -set_aside',
    replace: 'local ready, running = due_own + due_topic - passed, 0',
    test: {
      file: 'test/ordered.test.ts',
      title: 'lets other keys continue while one is stuck, and counts waiting messages as ready',
    },
    why: 'No promise says how a message is counted that waits for another of its key.',
  },
  {
    id: 'countsRetriesAsDelayed',
    promise: 'Stats count messages that wait for their retry as retrying.',
    find: "local retrying = redis.call('ZCARD', due) - due_own",
    replace: "local retrying = redis.call('ZCARD', delayed)",
    case: 'STA-2',
  },
]
