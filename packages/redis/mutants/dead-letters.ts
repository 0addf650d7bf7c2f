import type { Mutant } from '@mq/test-brokers'

/** Faults in the dead letters of a group. */
export const deadLetters: readonly Mutant[] = [
  {
    id: 'replayStopsAtAHundred',
    promise: 'A replay of all dead letters replays all of them.',
    find: "for (let after = '-'; last !== undefined; ) {",
    replace: "for (let after = '-'; last !== undefined && replayed < pageSize; ) {",
    case: 'DLQ-23',
  },
  {
    id: 'listStopsAtAHundred',
    promise: 'A list of dead letters has as many entries as its limit allows.',
    find: 'for (let after = start; found.length < limit && bytes < maxBytes; ) {',
    replace: 'for (let after = start; found.length < Math.min(limit, pageSize) && bytes < maxBytes; ) {',
    case: 'DLQ-9',
  },
  {
    id: 'replaysForOthers',
    promise: 'A replay takes the dead letters of its own group alone.',
    find: `dead: \`\${base}:dead\`,`,
    replace: `dead: \`\${topicBase}:dead\`,`,
    case: 'DLQ-3',
    fast: true,
  },
  {
    id: 'deletesBeforeItReplays',
    promise: 'A replay that is interrupted loses no dead letter.',
    find: 'retryWithin(replaying, async () => (await link.run(replayScript, [dead, due, dueData], ids)) as [number, number])',
    replace: `retryWithin(replaying, async () => {
      void [replayScript, due, dueData]
      let count = 0
      for (const id of ids) {
        const [entry] = (await link.send('XRANGE', [dead, id, id])) as readonly RawEntry[]
        if (entry === undefined) continue
        await link.send('XDEL', [dead, id])
        const fields = entry[1] ?? []
        const own = fields.filter((_, at) => !/^mq:(attempt|failure)$/.test(String(fields[at - (at % 2)])))
        await link.send('XADD', [place.keys.retry, '*', ...own])
        count += 1
      }
      return [count, ids.length]
    })`,
    case: 'DLQ-24',
  },
  {
    id: 'replayKeepsAttempts',
    promise: 'A replayed message begins again with its first attempt.',
    find: "elseif string.sub(all[i], 1, 3) ~= 'mq:' and #fields",
    replace: "elseif all[i] ~= 'mq:failure' and #fields",
    case: 'DLQ-15',
  },
  {
    id: 'replayForgetsItsTrace',
    promise: 'A replayed message knows where its last run is in a trace.',
    find: 'local failure = failure_before(all)',
    replace: 'local failure = failure_before({})',
    case: 'DLQ-29',
  },
  {
    id: 'purgesTooMuch',
    promise: 'A purge of named entries leaves the others.',
    find: "if #ARGV > 0 then return redis.call('XDEL', KEYS[1], unpack(ARGV)) end",
    replace: "if #ARGV > 1 then return redis.call('XDEL', KEYS[1], unpack(ARGV)) end",
    case: 'DLQ-10',
  },
]
