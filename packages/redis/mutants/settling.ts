import type { Mutant } from '@mq/test-brokers'
import { fencedTwice } from './reasons.js'

/** Faults in what becomes of a message once its handler has ended. */
export const settling: readonly Mutant[] = [
  {
    id: 'acknowledgesForeignClaims',
    promise: 'A consumer acknowledges only messages that it still owns.',
    find: 'local is_mine = mine[id] or owned_by(stream, group, id, consumer)',
    replace: 'local is_mine = true',
    test: { file: 'test/fencing.test.ts', title: 'by its former owner' },
    why: fencedTwice,
  },
  {
    id: 'movesForeignClaims',
    promise: 'A consumer retries and dead-letters only messages that it still owns.',
    find: 'if not owned_by(stream, group, id, consumer) then return 0 end local fields = fields_of(stream, id)',
    replace: 'local fields = fields_of(stream, id)',
    test: { file: 'test/fencing.test.ts', title: 'by its former owner' },
    why: fencedTwice,
  },
  {
    id: 'forgetsCrashAtRetry',
    promise: 'A crash stays counted as an attempt when the next attempt fails.',
    find: "return await move(run, 'retry', { delayMs, attempt: run.attempt + 1, failure: packFailure(failure) })",
    replace:
      "return await move(run, 'retry', { delayMs, attempt: run.entry.attempt + 1, failure: packFailure(failure) })",
    case: 'RET-18',
  },
  {
    id: 'forgetsFailureAtRelease',
    promise: 'A message that is given back keeps the failure of its last attempt.',
    find: "failure: failure === undefined ? '' : packFailure(failure) }",
    replace: "failure: failure === undefined ? '' : '' }",
    case: 'RET-20',
  },
  {
    id: 'countsReleaseAsAttempt',
    promise: 'A message that is given back at a stop has lost no attempt.',
    find: 'const same = { delayMs: 0, attempt: run.attempt, failure:',
    replace: 'const same = { delayMs: 0, attempt: run.attempt + 1, failure:',
    case: 'SHD-2',
  },
  {
    id: 'retriesEarly',
    promise: 'No attempt starts before its backoff is over.',
    find: 'add_waiting(KEYS[3], KEYS[4], now_up() + tonumber(delay), pack_fields(fields))',
    replace: 'add_waiting(KEYS[3], KEYS[4], now_up() + math.floor(tonumber(delay) * 0.75), pack_fields(fields))',
    case: 'RET-7',
    fast: true,
  },
  {
    id: 'retryLosesOrigin',
    promise: 'A message of another program keeps its generated id through its retries.',
    find: "fields[#fields + 1] = 'mq:entry' fields[#fields + 1] = origin return fields",
    replace: 'return fields',
    case: 'FGN-3',
    fast: true,
  },
  {
    id: 'forgetsTrace',
    promise: 'A failure that travels with its message keeps the place of the run in a trace.',
    find: 'packFailure = (failure: Failure): string => encodeFailure(failure)',
    replace: "packFailure = (failure: Failure): string => encodeFailure({ ...failure, traceparent: '' })",
    case: 'RET-21',
  },
]
