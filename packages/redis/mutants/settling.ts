import type { Mutant } from '@mq/test-brokers'

/** Faults in what becomes of a message after its handler. */
export const settling: readonly Mutant[] = [
  {
    id: 'deadLettersAreDropped',
    promise: 'A message that ran out of attempts is a dead letter.',
    find: "if to == 'dead' then redis.call('XADD', KEYS[5], '*', unpack(fields))",
    replace: "if to == 'dead' then redis.call('XADD', KEYS[5], 'MAXLEN', '0', '*', unpack(fields))",
    case: 'DLQ-1',
    fast: true,
  },
  {
    id: 'attemptIsNotCounted',
    promise: 'Each failure counts as an attempt.',
    find: 'attempt: run.attempt + 1, failure: packFailure(failure)',
    replace: 'attempt: run.attempt, failure: packFailure(failure)',
    case: 'RET-1',
    fast: true,
  },
]
