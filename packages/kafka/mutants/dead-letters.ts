import type { Mutant } from '@mq/test-brokers'

/** Faults in the dead letters. */
export const deadLetters: readonly Mutant[] = [
  {
    id: 'struckOutBeforeReplayed',
    promise: 'A replay that is interrupted loses nothing.',
    find: `const used = await use(ids)
      if (used.length > 0) await strikeOut(used)`,
    replace: `await strikeOut(ids)
      const used = await use(ids)`,
    test: {
      file: 'test/unsettled.test.ts',
      title: 'whose replay cannot be written stays, and is replayed once it can',
    },
    why: 'No fault of the suite lets a broker refuse replays and take what strikes their entries out.',
  },
  {
    id: 'replayEndsAtAChunk',
    promise: 'A replay without ids replays all entries.',
    find: 'for (const ids of chunked(wanted, live)) {',
    replace: 'for (const ids of chunked(wanted, live).slice(0, 1)) {',
    case: 'DLQ-23',
  },
  {
    id: 'entryIsNamedByItsMessage',
    promise: 'A message that died twice has two entries.',
    find: 'const letterId = entryIdOf(entry)',
    replace: 'const letterId = message.id',
    case: 'DLQ-4',
  },
  {
    id: 'listHasNoLimit',
    promise: 'A list holds at most its limit.',
    find: '[...(await liveLetters())].slice(0, limit)',
    replace: '[...(await liveLetters())].slice(0, Math.max(limit, 1_000))',
    case: 'DLQ-9',
    fast: true,
  },
  {
    id: 'listBeginsWithTheLatest',
    promise: 'A list begins with the message that died first.',
    find: '(await read(wanted)).map((record) => letterOf(record, log))',
    replace: '(await read(wanted)).map((record) => letterOf(record, log)).reverse()',
    case: 'DLQ-8',
  },
  {
    id: 'replayedStaysDead',
    promise: 'A replayed entry is gone from the dead letters.',
    find: 'if (used.length > 0) await strikeOut(used)',
    replace: 'if (used.length > 0 && entryIds !== undefined) await strikeOut(used)',
    case: 'DLQ-14',
  },
  {
    id: 'replayKeepsItsAttempts',
    promise: 'A replayed message gets all its attempts again.',
    find: 'if (place === null) return [whole]',
    replace: 'if (place === null) return [encodeRecord(message, { attempt: 2 })]',
    case: 'DLQ-13',
  },
  {
    id: 'replayForgetsItsTrace',
    promise: 'A replayed message knows where its last run is in a trace.',
    find: 'encodeRecord(message, { failure: failureBeforeReplay(failure) })',
    replace: 'encodeRecord(message)',
    case: 'DLQ-29',
  },
  {
    id: 'strikesAreCounted',
    promise: 'stats count dead letters no longer once they are purged.',
    find: 'const live = [...(await liveLetters()).values()]',
    replace: `const live: LiveLetter[] = []
      await readLog(cluster, log, ({ offset, bytes, timestampMs }) => {
        live.push({ offset, bytes, timestampMs, isCodecMissing: false })
        return undefined
      })`,
    case: 'STA-3',
  },
  {
    id: 'unreadableBatchHidesTheRest',
    promise: 'A batch that cannot be read keeps no other dead letter from being listed.',
    find: 'await readLog(cluster, log, (record) => {\n      const batch = struckOutBatch(record)',
    replace: `await readLog(cluster, log, (record) => {
      requireReadable(log, record)
      const batch = struckOutBatch(record)`,
    test: {
      file: 'test/unreadable-letters.test.ts',
      title: 'is its dead letters once the codec is there, and they do not come back if the batch was purged',
    },
    why: 'The suite cannot write a batch of records.',
  },
  {
    id: 'windowOfLettersIsTheEnd',
    promise: 'Pages of dead letters have each of them, however many there are.',
    find: '} else rest ??= offset',
    replace: '}',
    test: { file: 'test/dead-pages.test.ts', title: 'have each of 25,000 once' },
    why: 'The suite has fewer dead letters than are watched at a time.',
  },
  {
    id: 'letterIsShownTwice',
    promise: 'A message that died twice in a crash is one dead letter.',
    find: 'watched.delete(entryId)\n    if (value === undefined) return',
    replace:
      'if (value === undefined) watched.delete(entryId)\n    if (value === undefined || watched.has(entryId)) return',
    test: { file: 'test/dead-pages.test.ts', title: 'have a message once that died twice' },
    why: 'The suite cannot let a process die between a dead letter and its commit.',
  },
]
