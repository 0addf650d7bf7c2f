import type { Mutant } from '@mq/test-brokers'

/** Faults in what becomes of a message after its handler. */
export const settling: readonly Mutant[] = [
  {
    id: 'copyBringsADeletedGroupBack',
    promise: 'A deleted group is gone, whatever its last handlers end with.',
    find: 'hasQueue(ref, from).finally(() => looking.delete(name))',
    replace: 'Promise.resolve(true)',
    case: 'GRP-22',
  },
  {
    id: 'secondAnswerToACancelIsTaken',
    promise: 'The connection outlives a group that is deleted while its consumer stops or pauses.',
    find: 'if (frame.id === cancelOk && !tags.delete(frame.fields.consumerTag)) return undefined',
    replace: 'tags.delete(frame.fields.consumerTag)',
    test: {
      file: 'test/cancelling.test.ts',
      title: 'that the broker confirms twice, as its queue was deleted at that moment, is confirmed once to the driver',
    },
    why: 'The broker answers twice only if the two meet within a millisecond.',
  },
  {
    id: 'acknowledgesBeforeTheCopyIsStored',
    promise: 'A message is acknowledged only after its retry is stored.',
    find: `void run.copying.result.then((result) => {
      if (result === 'stored') isSameAttempt ? acknowledge(run) : finish(run)`,
    replace: `const { result: copied } = run.copying
    run.copying = undefined
    finish(run)
    void copied.then((result) => {
      if (isSameAttempt && result === 'stored') acknowledge(run)`,
    case: 'FLT-30',
  },
  {
    id: 'retryForgetsItsFailure',
    promise: 'Each attempt learns how the one before it ended.',
    find: 'attempt: run.decoded.attempt + 1, failure }',
    replace: 'attempt: run.decoded.attempt + 1, ...(delayMs < 0 && { failure }) }',
    case: 'RET-4',
  },
  {
    id: 'crashIsForgotten',
    promise: 'A run that ended with its process still counts after the next one has failed.',
    find: 'attempt: run.decoded.attempt + 1',
    replace: 'attempt: run.decoded.attempt - run.decoded.deliveryCount + 1',
    case: 'RET-18',
  },
  {
    id: 'redeliveriesAreNotCounted',
    promise: 'A run that ends with its process counts as an attempt.',
    find: 'const options = { countRedeliveries: !parts.options.ordered }',
    replace: 'const options = { countRedeliveries: !parts.options.ordered && parts.options.concurrency < 0 }',
    case: 'RET-16',
  },
  {
    id: 'copyGoesToAllGroups',
    promise: 'A message that fails in one group runs once in each other group.',
    find: "if (delayMs <= 0) return { exchange: '', routingKey: destination",
    replace:
      "if (delayMs <= 0) return { exchange: queue === 'group' ? names.topic(ref.topic) : '', routingKey: destination",
    case: 'DLQ-13',
    fast: true,
  },
  {
    id: 'copyKeepsTheHistoryOfDeaths',
    promise: 'A replayed message is the same one, without what the broker has added.',
    find: "name === 'BCC' || isOwn(name) || brokerHeader.test(name)",
    replace: "name === 'BCC' || isOwn(name)",
    case: 'DLQ-13',
  },
  {
    id: 'replayKeepsItsAttempt',
    promise: 'A replayed message is a first attempt.',
    find: "name === 'BCC' || isOwn(name) ||",
    replace: "name === 'BCC' || (isOwn(name) && name !== own.attempt) ||",
    case: 'DLQ-15',
  },
  {
    id: 'acknowledgesTooManyTogether',
    promise: 'A message whose handler has not finished is not acknowledged.',
    find: 'messages.filter(({ fields }) => fields.deliveryTag < limit).length',
    replace: 'messages.filter(({ fields }) => fields.deliveryTag !== limit).length',
    case: 'FLT-21',
  },
  {
    id: 'forgetsTrace',
    promise: 'A failure that travels with its message keeps the place of the run in a trace.',
    find: 'headers[own.failure] = encodeFailure(history.failure)',
    replace: "headers[own.failure] = encodeFailure({ ...history.failure, traceparent: '' })",
    case: 'RET-21',
  },
]
