import type { Mutant } from '@mq/test-brokers'

/** Faults in what becomes of a message after its handler. */
export const settling: readonly Mutant[] = [
  {
    id: 'doneBeforeSettled',
    promise: 'A message is finished only after its retry or its dead letter is stored.',
    find: ".then((isDone) => this.end(entry, isDone ? 'done' : 'void')) } } /** Lets other entries be handled",
    replace: `.catch(() => {})
      this.end(entry, 'done')
    }
  }

  /** Lets other entries be handled`,
    test: { file: 'test/unsettled.test.ts', title: 'is finished once it is stored in the' },
    why: 'A retry and the end of its message go to one broker, and no fault of the suite lets one of them through alone.',
  },
  {
    id: 'attemptIsNotCounted',
    promise: 'Each failure counts as an attempt.',
    find: 'encodeRecord(message, { attempt: attempt + 1, failure, delayMs })',
    replace: 'encodeRecord(message, { attempt, failure, delayMs })',
    case: 'RET-2',
  },
  {
    id: 'failureIsForgotten',
    promise: 'Each attempt learns how the one before it ended.',
    find: 'encodeRecord(message, { attempt: attempt + 1, failure, delayMs })',
    replace: 'encodeRecord(message, { attempt: attempt + 1, delayMs })',
    case: 'RET-4',
    fast: true,
  },
  {
    id: 'retriesAreNotDelayed',
    promise: 'No attempt starts before its backoff is over.',
    find: 'encodeRecord(message, { attempt: attempt + 1, failure, delayMs })',
    replace: 'encodeRecord(message, { attempt: attempt + 1, failure })',
    case: 'RET-7',
  },
  {
    id: 'heldBackIsAnAttempt',
    promise: 'A message that waits for its time has not been tried.',
    find: 'encodeRecord(message, { attempt, failure, delayMs, origin }), partition: tierFor(delayMs) }',
    replace: 'encodeRecord(message, { attempt: attempt + 1, failure, delayMs, origin }), partition: tierFor(delayMs) }',
    case: 'DLY-6',
  },
  {
    id: 'heldBackForgetsItsFailure',
    promise: 'A message that waits for its retry keeps the failure before it.',
    find: 'encodeRecord(message, { attempt, failure, delayMs, origin }), partition: tierFor(delayMs) }',
    replace:
      'encodeRecord(message, { attempt, ...(attempt < 0 && { failure }), delayMs, origin }), partition: tierFor(delayMs) }',
    case: 'RET-19',
  },
  {
    id: 'dueASecondEarly',
    promise: 'A delayed message is never early.',
    find: 'if (dueMs <= now) { this.#queue.enter(entry)',
    replace: 'if (dueMs - heldMs <= now) { this.#queue.enter(entry)',
    case: 'DLY-1',
  },
  {
    id: 'forgetsTrace',
    promise: 'A failure that travels with its message keeps the place of the run in a trace.',
    find: '{ name: ownHeader.failure, value: encodeFailure(failure) }',
    replace: "{ name: ownHeader.failure, value: encodeFailure({ ...failure, traceparent: '' }) }",
    case: 'RET-21',
  },
]
