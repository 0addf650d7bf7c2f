import type { Mutant } from '@mq/test-brokers'

/** Faults in the order of keys. */
export const ordering: readonly Mutant[] = [
  {
    id: 'laneStaysClosed',
    promise: 'A message that waits for another of its key runs once that one has ended.',
    find: "redis.call('HDEL', lanes, lane) if redis.call('ZRANGE', waiting,",
    replace: "redis.call('HDEL', lanes, lane)\n  if lane == '' and redis.call('ZRANGE', waiting,",
    case: 'ORD-1',
  },
  {
    id: 'sortsPlacesAsText',
    promise: 'A backlog of a key is handled in publish order.',
    find: "return string.rep('0', 20 - #ms) .. ms .. '-' .. string.rep('0', 20 - #seq) .. seq",
    replace: "return string.rep('0', 20 - #ms) .. ms .. '-' .. seq",
    case: 'ORD-2',
  },
  {
    id: 'readsLanesOfOthers',
    promise: 'Messages of one key are handled one at a time.',
    find: "for i = 1, #fields, 2 do if fields[i] == 'partitionkey' and fields[i + 1] ~= '' then",
    replace: "for i = 1, math.min(#fields, 10), 2 do\n    if fields[i] == 'partitionkey' and fields[i + 1] ~= '' then",
    case: 'ORD-1',
  },
  {
    id: 'givesBackAtTheEnd',
    promise: 'A consumer that stops gives messages back at their places in the order of their keys.',
    find: "if (ordered && lane(run) !== '') {",
    replace: "if (ordered && lane(run) === '-') {",
    case: 'ORD-8',
  },
]
