import type { Mutant } from '@mq/test-brokers'

/** Faults in looking into groups, in removing and hurrying single messages, and in pausing groups. */
export const inspecting: readonly Mutant[] = [
  {
    id: 'readsPastTheGate',
    promise: 'A message that was removed is never run, whoever reads at that moment.',
    find: "reply = await send([...group, 'STREAMS', place.keys.stream, place.keys.gate, '>', '>'])",
    replace: "reply = await send([...group, 'STREAMS', place.keys.stream, '>'])",
    case: 'INS-12',
  },
  {
    id: 'forgetsSkipsOfDelayed',
    promise: 'A delayed message that a group has removed does not run there when it is due.',
    find: "if id then redis.call('ZADD', skipped, 0, 's:' .. group .. ':' .. id)",
    replace: "if not id then\n      redis.call('ZADD', skipped, 0, 's:' .. group .. ':' .. id)",
    case: 'INS-8',
  },
  {
    id: 'removesForAll',
    promise: 'Removing a message from a group leaves it to all others.',
    find: "redis.call('ZADD', skipped, 0, 's:' .. group .. ':' .. id) close_gate(gate, group) return true",
    replace: "redis.call('XDEL', name, id)\n  close_gate(gate, group)\n  return true",
    case: 'INS-8',
  },
  {
    id: 'keepsRemovedAside',
    promise: 'A message that waits for another of its key can be removed.',
    find: "redis.call('ZREM', waiting, lane_of(fields) .. ':' .. place .. kind)",
    replace: "redis.call('ZREM', waiting, lane_of(fields) .. ':' .. id .. kind)",
    case: 'INS-13',
  },
  {
    id: 'hurriesForAll',
    promise: 'A message that runs before it is due does so in one group.',
    find: 'if packed and skip_delayed(skipped, delayed, group, name) then',
    replace: "if packed and redis.call('ZREM', delayed, name) == 1 then",
    case: 'INS-10',
  },
  {
    id: 'busyConsumersHearNoPause',
    promise: 'A consumer whose handlers are all busy says that its group is paused.',
    find: 'if (runs.free > 0) return',
    replace: 'if (runs.free >= 0) return',
    case: 'PAU-1',
  },
  {
    id: 'deletedGroupStaysPaused',
    promise: 'A group that was deleted while it was paused begins without a pause.',
    find: "redis.call('HDEL', KEYS[4], group) close_gate(KEYS[5], group)",
    replace: 'close_gate(KEYS[5], group)',
    case: 'PAU-10',
    fast: true,
  },
  {
    id: 'pausesAgain',
    promise: 'Whoever pauses a group that is paused changes nothing.',
    find: "redis.call('HSETNX', KEYS[2], group, mark)",
    replace: "redis.call('HSET', KEYS[2], group, mark)",
    case: 'PAU-9',
    fast: true,
  },
  {
    id: 'countsDueAsDelayed',
    promise: 'A delayed message that is due is ready, whether or not a consumer is there.',
    find: "local due_topic = redis.call('ZCOUNT', delayed, '-inf', now)",
    replace: "local due_topic = redis.call('ZCOUNT', delayed, '-inf', 0)",
    case: 'STA-8',
  },
  {
    id: 'looksForNoPauses',
    promise: 'A paused group is resumed although nobody says so.',
    find: "if sign == '!' then return redis.pcall('HEXISTS', paused, name) == 1 and 0 or 4 end",
    replace: "if sign == '!' then return 0 end",
    test: {
      file: 'test/inspect.test.ts',
      title: 'is paused and resumed although the server reports no changes of keys',
    },
    why: 'The suite runs as a user who may do everything, and is told at once.',
  },
  {
    id: 'forgetsWhenRunsBegan',
    promise: 'A message in flight is listed with the time at which its run began, however long ago that is.',
    find: "if age >= 0 then redis.call('ZADD', KEYS[4], now - age, ARGV[i] .. ARGV[i + 1]) end",
    replace: 'if age >= 0 then now = now + 0 end',
    test: { file: 'test/inspect.test.ts', title: 'in flight are listed by the times at which their runs began' },
    why: 'A case that waits for several renewals of a claim would take too long.',
  },
]
