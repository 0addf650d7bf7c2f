import type { Mutant } from '@mq/test-brokers'
import { onlyInTables } from './reasons.js'

/** Faults in groups, keys, dead letters and what can be looked at. */
export const groups: readonly Mutant[] = [
  {
    id: 'runsKeysSideBySide',
    promise: 'One message of a key runs at a time.',
    find: 'WHERE NOT EXISTS (SELECT FROM mq.lanes l WHERE l.grp = $1 AND l.key = h.key) LIMIT $3',
    replace: 'LIMIT $3',
    case: 'ORD-3',
  },
  {
    id: 'keepsLanes',
    promise: 'A key is free again when its message has ended.',
    find: `DELETE FROM mq.lanes l USING (SELECT * FROM done UNION ALL SELECT * FROM kept) AS s
WHERE l.grp = s.grp`,
    replace: `DELETE FROM mq.lanes l USING (SELECT * FROM done UNION ALL SELECT * FROM kept) AS s
WHERE false AND l.grp = s.grp`,
    case: 'ORD-1',
  },
  {
    id: 'keepsLanesOfTheDead',
    promise: 'The keys of a process that has ended are free again.',
    find: 'DELETE FROM mq.lanes l USING freed f WHERE l.grp = f.grp AND l.key = f.key AND l.message = f.message;',
    replace: 'DELETE FROM mq.lanes l USING freed f WHERE false AND l.grp = f.grp;',
    case: 'ORD-11',
  },
  {
    id: 'startsEarliestLate',
    promise: 'A group that starts with the earliest message gets what is retained.',
    find: 'IF a_earliest THEN',
    replace: 'IF a_earliest AND false THEN',
    case: 'GRP-13',
  },
  {
    id: 'leavesDeliveries',
    promise: 'A deleted group leaves nothing behind.',
    find: "ARRAY['r', 'w', 'f', 'd']",
    replace: "ARRAY['r', 'w', 'f']",
    case: 'GRP-19',
  },
  {
    id: 'missesItsEnd',
    promise: 'A consumer whose group was deleted says so and goes on.',
    find: 'if (state === undefined) return void this.#restore()',
    replace: 'if (state === undefined) return',
    case: 'HEA-8',
  },
  {
    id: 'runsWhilePaused',
    promise: 'A paused group hands out nothing.',
    find: 'this.#paused = state.paused',
    replace: 'this.#paused = undefined',
    case: 'PAU-1',
  },
  {
    id: 'movesTheMark',
    promise: 'A second pause keeps the first mark.',
    find: 'SET paused_since = coalesce(g.paused_since, $2), paused_by = coalesce(g.paused_by, $3)',
    replace: 'SET paused_since = $2, paused_by = $3',
    case: 'PAU-9',
  },
  {
    id: 'replaysWithOldAttempts',
    promise: 'A replayed message is a first attempt.',
    find: "SET state = 'r', at = clock_timestamp(), attempt = 1, failure = NULL",
    replace: "SET state = 'r', at = clock_timestamp(), failure = NULL",
    case: 'DLQ-13',
  },
  {
    id: 'purgesForeignEntries',
    promise: 'The name of an entry of another group purges nothing.',
    find: 'if (own !== grp) continue',
    replace: 'if (own === undefined) continue',
    case: 'DLQ-11',
  },
  {
    id: 'pagesRepeat',
    promise: 'Pages of a list follow each other.',
    find: "d.state = 'r' AND d.message > $3::bigint",
    replace: "d.state = 'r' AND d.message >= $3::bigint",
    case: 'INS-4',
  },
  {
    id: 'delayedForAll',
    promise: 'Removing a delayed message concerns one group.',
    find: 'AND NOT EXISTS (SELECT FROM mq.skips s WHERE s.delayed = n.id AND s.grp = g.id)',
    replace: 'AND NOT EXISTS (SELECT FROM mq.skips s WHERE s.delayed = n.id)',
    case: 'INS-8',
  },
  {
    id: 'countsDueAsDelayed',
    promise: 'A delayed message that is due counts as ready, also if nobody consumes.',
    find: 'await readyDue(link.consuming, settings, place.grp)',
    replace: '',
    case: 'STA-8',
  },
  {
    id: 'keepsDeadProcesses',
    promise: 'An ephemeral group ends with its process.',
    find: 'PERFORM mq.drop_group_1(left_group);',
    replace: '',
    case: 'EPH-9',
  },
  {
    id: 'usesNewerTables',
    promise: 'Tables that are too new are refused.',
    find: 'if (oldestUsable <= newestVersion) return',
    replace: 'if (oldestUsable <= 1_000) return',
    test: { file: 'test/tables.test.ts', title: 'that are too new for this version refuse it' },
    why: onlyInTables,
  },
  {
    id: 'migratesTwice',
    promise: 'Of many processes that connect at once, one makes the tables.',
    find: "await connection.query( 'SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [migrationLock(schema)], connectTimeoutMs, )",
    replace: 'void migrationLock',
    test: { file: 'test/tables.test.ts', title: 'are made once by many processes that connect at the same time' },
    why: onlyInTables,
  },
]
