import type { Mutant } from '@mq/test-brokers'

/** Faults on the way of a message to the broker. */
export const publishing: readonly Mutant[] = [
  {
    id: 'rejectsWhatMayBeStored',
    promise: 'A publish whose answer was lost is never reported as certainly not stored.',
    find: "if (error.kind !== 'unanswered') { for (const [index, parcel] of parcels.entries())",
    replace: 'if (before.length > 0) {\n        for (const [index, parcel] of parcels.entries())',
    case: 'PUB-18',
  },
  {
    id: 'takesRefusedForStored',
    promise: 'A message that the broker refused is reported as rejected.',
    find: 'for (let at = 0; at < refused.length; at += 2) {',
    replace: 'for (let at = refused.length; at < refused.length; at += 2) {',
    test: {
      file: 'test/publish.test.ts',
      title: 'rejects the one message of a batch that the broker refuses, and stores the others',
    },
    why: 'A broker that refuses one message of many and takes the others needs a key of the wrong type, which only this broker has.',
  },
  {
    id: 'forgetsIds',
    promise: 'A publish with a known id stores nothing within the window.',
    find: "if left >= 0 and (left < window or redis.call('SCARD', ids)",
    replace: "if left >= 0 and (left < 2 * window or redis.call('SCARD', ids)",
    case: 'PUB-6',
  },
  {
    id: 'holdsIdsForEver',
    promise: 'An id is free again once the window is over.',
    find: "if fresh then redis.call('PEXPIRE', ids, 2 * window) end",
    replace: "redis.call('PEXPIRE', ids, 2 * window)",
    test: {
      file: 'test/publish.test.ts',
      title: 'remembers an id for at least its window, and forgets it soon after',
    },
    why: 'The windows of real subjects are minutes long, and a case would have to wait for the end of one.',
  },
  {
    id: 'repeatsWithoutTheirIds',
    promise: 'A publish whose answer was lost is stored once.',
    find: "if left ~= -2 then known = redis.call('SMISMEMBER', ids, unpack(all)) end",
    replace: 'if left ~= -2 then known = {} end',
    case: 'PUB-6',
    fast: true,
  },
  {
    id: 'overtakesItsKey',
    promise: 'The messages of a key are stored in publish order, also across a lost connection.',
    find: 'this.#waiting = [...unsettled, ...this.#waiting].sort((a, b) => a.number - b.number)',
    replace: 'this.#waiting = [...this.#waiting, ...unsettled]',
    test: { file: 'test/publish.test.ts', title: 'keeps the order of each key while the broker refuses some batches' },
    why: 'Across faults the suite publishes one message after another, because no promise covers those that are published at once.',
  },
  {
    id: 'delayedIsEarly',
    promise: 'A delayed message is never early.',
    find: 'refused = add_waiting(delayed, data, now_up() + tonumber(delay), packed)',
    replace: 'refused = add_waiting(delayed, data, now_up() + math.floor(tonumber(delay) * 0.9), packed)',
    case: 'DLY-1',
  },
  {
    id: 'dropsManyDue',
    promise: 'Each of many messages that are due at once arrives.',
    find: "local members = redis.call('ZRANGE', due, '-inf', now, 'BYSCORE', 'LIMIT', 0, limit)",
    replace: `local members = redis.call('ZRANGE', due, '-inf', now, 'BYSCORE')
  for i = limit + 1, #members do redis.call('ZREM', due, members[i]) end
  members = {unpack(members, 1, limit)}`,
    case: 'DLY-11',
  },
]
