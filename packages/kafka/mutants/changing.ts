import type { Mutant } from '@mq/test-brokers'

/** Faults in removing single messages and in making them ready. */
export const changing: readonly Mutant[] = [
  {
    id: 'runningIsRemoved',
    promise: 'A message that runs is not removed.',
    find: "(state !== 'waiting' && state !== 'ready') ||",
    replace: "(state !== 'waiting' && state !== 'ready' && state !== 'running') ||",
    case: 'INS-9',
  },
  {
    id: 'answeredBeforeCommit',
    promise: 'A message that was removed does not run after a crash.',
    find: 'if (await commits.holds(tracker)) await this.#answer(request, { done, kept }, tracker)',
    replace: 'await this.#answer(request, { done, kept }, tracker)',
    test: { file: 'test/changes.test.ts', title: 'answers once the group has committed what it has removed' },
    why: 'The suite kills no consumer within the 20 ms in which the commit follows.',
  },
  {
    id: 'standingIsForgotten',
    promise: 'What was removed while the group had no consumer never runs.',
    find: 'this.#assignment.carryOutChanges()',
    replace: 'if (points.length > 1_000) this.#assignment.carryOutChanges()',
    case: 'INS-8',
  },
  {
    id: 'hurriedAttemptIsLost',
    promise: 'A retry that is made ready keeps its attempt.',
    find: 'const record = encodeRecord(message, { attempt, failure })',
    replace: 'const record = encodeRecord(message, attempt > 0 ? { failure } : {})',
    case: 'INS-10',
  },
  {
    id: 'copiedAttemptIsLost',
    promise: 'A retry that is made ready while its group has no consumer keeps its attempt.',
    find: 'copies.push(encodeRecord(message, { attempt, failure }))',
    replace: 'copies.push(encodeRecord(message, attempt > 0 ? { failure } : {}))',
    test: { file: 'test/changing.test.ts', title: 'is listed as ready, and keeps its attempt and its failure' },
    why: 'The suite makes messages ready in a group with a consumer.',
  },
  {
    id: 'lateRequestIsCarriedOut',
    promise: 'A request is not carried out after its caller was told that nobody has answered.',
    find: 'await this.#withdraw(pending.keys())\n        await log.read(take)',
    replace: 'await log.read(take)',
    test: { file: 'test/changing.test.ts', title: 'runs after all if no consumer has answered' },
    why: 'In the suite every consumer answers.',
  },
  {
    id: 'bothCallersCount',
    promise: 'A removed message is counted by one caller.',
    find: '!standing.isRemovedBefore(key, { ...part, offset })',
    replace: '!standing.isRemovedBefore(key, { ...part, offset: -1 - offset })',
    test: { file: 'test/changing.test.ts', title: 'is counted by one of two callers' },
    why: 'In the suite one caller removes a message.',
  },
  {
    id: 'copyHasAnotherName',
    promise: 'The name of an entry holds while its message waits.',
    find: '{ attempt, failure, delayMs, origin }), partition',
    replace: '{ attempt, failure, delayMs, ...(origin === undefined && { origin }) }), partition',
    test: { file: 'test/changing.test.ts', title: 'is known by its name after it has gone on to another partition' },
    why: 'Other brokers keep a message where it is, so the suite does not wait until it has moved.',
  },
  {
    id: 'restOfTheTextIsForgotten',
    promise: 'What was removed stays removed, however many messages that are.',
    find: 'return offsets.length === 0 ? undefined : { ...request, offsets }',
    replace: 'return offsets.length >= 0 ? undefined : { ...request, offsets }',
    test: {
      file: 'test/changes.test.ts',
      title: 'lets a request stand for what the text beside the offset has no room for',
    },
    why: 'The suite removes fewer messages than the text has room for.',
  },
]
