import type { Mutant } from '@mq/test-brokers'
import { beyondTheSuite } from './reasons.js'

const transactions = (title: string) => ({ file: 'test/transactions.test.ts', title })
const outbox = (title: string) => ({ file: 'test/outbox.test.ts', title })
const inbox = (title: string) => ({ file: 'test/inbox.test.ts', title })

/** Faults in what happens in transactions of the application, in the outbox, the inbox and the store. */
export const inTransactions: readonly Mutant[] = [
  {
    id: 'locksUntilTheCommit',
    promise: 'Nobody waits for a transaction of the application.',
    find: 'CREATE CONSTRAINT TRIGGER spread AFTER INSERT ON mq.messages DEFERRABLE INITIALLY DEFERRED',
    replace: 'CREATE CONSTRAINT TRIGGER spread AFTER INSERT ON mq.messages',
    case: 'TRX-3',
  },
  {
    id: 'trustsOldSnapshots',
    promise: 'A message of a transaction reaches the groups that there are at its commit.',
    find: "is_late boolean := current_setting('transaction_isolation') <> 'read committed'",
    replace: 'is_late boolean := false',
    test: transactions('reaches groups that it cannot see'),
    why: beyondTheSuite,
  },
  {
    id: 'takesAPool',
    promise: 'What is not in a transaction is refused.',
    find: 'IF a_enlisted_at = statement_timestamp() THEN',
    replace: 'IF false THEN',
    test: transactions('is refused, and nothing is stored'),
    why: beyondTheSuite,
  },
  {
    id: 'takesAnyDatabase',
    promise: 'A transaction in another database is refused.',
    find: "IF (given ->> 'queue') <> (SELECT i.id::text FROM mq.identity i) THEN",
    replace: 'IF false THEN',
    test: transactions('in another database is refused, with tables there or not'),
    why: beyondTheSuite,
  },
  {
    id: 'announcesNoCommit',
    promise: 'A message of a transaction is delivered soon after its commit.',
    find: "if (statuses.get(one.transaction) === 'committed') onCommitted(one)",
    replace: 'void one',
    test: transactions('delivers what it has published once it commits, soon and not before'),
    why: beyondTheSuite,
  },
  {
    id: 'everyRelaySends',
    promise: 'Messages of a key are sent in their order, however many relays there are.',
    find: 'WHERE t.holder = a_holder OR t.until < clock_timestamp();\n  RETURN FOUND;',
    replace: 'WHERE t.holder = a_holder OR t.until < clock_timestamp();\n  RETURN true;',
    test: outbox('keeps the order of a key with two relays, of which one sends at a time and the other goes on'),
    why: beyondTheSuite,
  },
  {
    id: 'sendsAgainAndAgain',
    promise: 'What was sent is removed.',
    find: 'DELETE FROM mq.outbox o WHERE o.id = ANY (a_sent);',
    replace: '',
    test: outbox('is small again after what was sent'),
    why: beyondTheSuite,
  },
  {
    id: 'keepsTheTurnForGood',
    promise: 'Another relay goes on if the one whose turn it is has died.',
    find: 'WHERE t.holder = a_holder OR t.until < clock_timestamp()',
    replace: 'WHERE t.holder = a_holder OR t.holder IS NULL',
    test: {
      file: 'test/relay.test.ts',
      title: 'loses nothing, and another goes on; through the inbox each has its effect once',
    },
    why: beyondTheSuite,
  },
  {
    id: 'countsDoubtAsSent',
    promise: 'A message leaves the outbox only once the broker has stored it.',
    find: "if (outcome.status === 'stored') sent.push(row.id)",
    replace: "if (outcome.status !== 'rejected') sent.push(row.id)",
    test: {
      file: 'test/relay.test.ts',
      title: 'and sends it in order afterwards',
    },
    why: beyondTheSuite,
  },
  {
    id: 'handlesTwice',
    promise: 'Through the inbox a message has its effect once.',
    find: 'is_new := FOUND;',
    replace: 'is_new := true;',
    test: inbox('runs the work of a message once, and another consumer runs its own'),
    why: beyondTheSuite,
  },
  {
    id: 'remembersForGood',
    promise: 'The inbox forgets messages after retainMs.',
    find: 'WHERE o.handled_at < clock_timestamp() - a_retain_ms',
    replace: 'WHERE false AND o.handled_at < clock_timestamp() - a_retain_ms',
    test: inbox('forgets messages after retainMs'),
    why: beyondTheSuite,
  },
  {
    id: 'claimsOutside',
    promise: 'A store joins a transaction.',
    find: 'within: (transaction) => storeOf(settings, storeWithin(runnerOf(transaction))),',
    replace: 'within: () => store,',
    test: { file: 'test/store.test.ts', title: 'claims an idempotencyKey in the transaction of the enqueue' },
    why: beyondTheSuite,
  },
]
