import type { Mutant } from '@mq/test-brokers'
import { onlyInTables } from './reasons.js'

/** Faults in how messages are stored, delayed and announced. */
export const publishing: readonly Mutant[] = [
  {
    id: 'publishesPastNewGroups',
    promise: 'A group that starts with the earliest message gets what is being published while it is made.',
    find: `PERFORM pg_advisory_xact_lock_shared(mq.topic_lock(this));
  WITH input`,
    replace: 'WITH input',
    test: { file: 'test/publishing.test.ts', title: 'that is under way when a group is made reaches it' },
    why: 'The suite cannot hold up a publish between its statement and its commit.',
  },
  {
    id: 'storesTwice',
    promise: 'A second publish with the same id stores nothing.',
    find: 'WHERE a_dedupe_ms <= 0 OR i.id IS NULL OR i.id IN (SELECT f.id FROM fresh f)',
    replace: '',
    case: 'PUB-6',
    fast: true,
  },
  {
    id: 'storesInAnyOrder',
    promise: 'Messages of one key keep the order in which they were published.',
    find: 'FROM taken t WHERE t.delay <= 0 ORDER BY t.ord RETURNING',
    replace: 'FROM taken t WHERE t.delay <= 0 ORDER BY t.ord DESC RETURNING',
    case: 'ORD-1',
  },
  {
    id: 'overtakesItsKey',
    promise: 'A message is not sent while another of its key may still be refused.',
    find: 'if (isKeyInFlight(key)) break',
    replace: '',
    test: {
      file: 'test/publishing.test.ts',
      title: 'that the server refuses at first is not overtaken by others of its key',
    },
    why: 'The suite cannot make a server refuse one statement and take the next one.',
  },
  {
    id: 'rejectsWhatMayBeStored',
    promise: 'A message that the database may have is never called rejected.',
    find: "if (error.kind !== 'unanswered') {",
    replace: 'if (error.kind !== undefined) {',
    case: 'PUB-18',
  },
  {
    id: 'neverBlocked',
    promise: 'A blocked event says that the database takes no messages.',
    find: 'if (blocked || !isBlocked(error)) return',
    replace: 'if (blocked || isBlocked(error)) return',
    case: 'HEA-7',
  },
  {
    id: 'staysBlocked',
    promise: 'A blocked event says that the database takes messages again, also if nobody publishes.',
    find: '() => blocked.noteStored(),',
    replace: '() => {},',
    case: 'HEA-7',
  },
  {
    id: 'deliversEarly',
    promise: 'A delayed message is never early.',
    find: 'WHERE x.topic = a_topic AND x.due <= clock_timestamp()',
    replace: "WHERE x.topic = a_topic AND x.due <= clock_timestamp() + interval '1 s'",
    case: 'DLY-1',
  },
  {
    id: 'retriesEarly',
    promise: 'A retry is never early.',
    find: 'AND w.grp = ANY (a_groups) AND w.at <= clock_timestamp()',
    replace: "AND w.grp = ANY (a_groups) AND w.at <= clock_timestamp() + interval '1 s'",
    case: 'RET-7',
    fast: true,
  },
  {
    id: 'wakesNobody',
    promise: 'A consumer at rest is woken by a message of another process.',
    find: 'connection.onNotification((payload) => announcer.heard(payload))',
    replace: '',
    test: { file: 'test/waking.test.ts', title: 'is woken by a message of another process' },
    why: 'The suite accepts that a message takes as long as it takes to look for it.',
  },
  {
    id: 'neverSweeps',
    promise: 'Messages that nobody needs any more are removed.',
    find: 'if (startedAt - this.#sweptAt < pauseMs) return',
    replace: 'return',
    test: { file: 'test/tables.test.ts', title: 'keep the latest messages that nobody needs, and lose the others' },
    why: onlyInTables,
  },
  {
    id: 'sweepsWhatIsNeeded',
    promise: 'Nothing is removed that a group has not finished.',
    find: 'WHERE m.id = p.id AND NOT EXISTS (SELECT FROM mq.deliveries d WHERE d.message = p.id)',
    replace: 'WHERE m.id = p.id',
    test: { file: 'test/tables.test.ts', title: 'keep what waits for a group, however much it is' },
    why: 'The suite stores fewer messages than a topic keeps.',
  },
]
