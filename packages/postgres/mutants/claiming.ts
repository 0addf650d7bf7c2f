import type { Mutant } from '@mq/test-brokers'
import { fencedTwice, soonHere, waitsUnseen } from './reasons.js'

/** Faults in how consumers keep, lose and take over messages. */
export const claiming: readonly Mutant[] = [
  {
    id: 'waitsForLocks',
    promise: 'A consumer does not wait for another one that takes messages.',
    find: `ORDER BY d.message LIMIT $3 FOR UPDATE SKIP LOCKED
), taken AS`,
    replace: `ORDER BY d.message LIMIT $3
), taken AS`,
    test: { file: 'test/claims.test.ts', title: 'passes over a message that another session has locked, in any order' },
    why: waitsUnseen,
  },
  {
    id: 'waitsForLocksOfKeys',
    promise: 'A consumer that keeps the order of keys does not wait for another one that takes messages.',
    find: `FOR UPDATE SKIP LOCKED
), opened AS`,
    replace: '), opened AS',
    test: {
      file: 'test/claims.test.ts',
      title: 'passes over a message that another session has locked, in the order of keys',
    },
    why: waitsUnseen,
  },
  {
    id: 'settlesForeignClaims',
    promise: 'A settlement concerns the claim for which it was made, and no later one.',
    find: "WHERE g.kind = '-' AND d.message = g.message AND d.grp = g.grp AND d.claim = g.claim AND d.state = 'f'",
    replace: "WHERE g.kind = '-' AND d.message = g.message AND d.grp = g.grp AND d.state = 'f'",
    test: { file: 'test/claims.test.ts', title: 'is not acknowledged by its former owner' },
    why: fencedTwice,
  },
  {
    id: 'retriesForeignClaims',
    promise: 'A retry concerns the claim for which it was made, and no later one.',
    find: "WHERE g.kind <> '-' AND d.message = g.message AND d.grp = g.grp AND d.claim = g.claim AND d.state = 'f'",
    replace: "WHERE g.kind <> '-' AND d.message = g.message AND d.grp = g.grp AND d.state = 'f'",
    test: { file: 'test/claims.test.ts', title: 'is not retried by its former owner' },
    why: fencedTwice,
  },
  {
    id: 'neverSeesTheEnd',
    promise: 'The messages of a process that has ended run again soon.',
    find: "* interval '1 ms' AND pg_try_advisory_xact_lock(p.id));",
    replace: "* interval '1 ms' AND false);",
    test: { file: 'test/claims.test.ts', title: 'of a process that was killed goes to another one within 5 s' },
    why: soonHere,
  },
  {
    id: 'takesStillForGone',
    promise: 'A process that stands still keeps its messages for the time that was chosen.',
    find: 'AND pg_try_advisory_xact_lock(p.id));',
    replace: 'AND p.id IS NOT NULL);',
    test: { file: 'test/claims.test.ts', title: 'stays with a process that holds its event loop' },
    why: soonHere,
  },
  {
    id: 'crashIsNotCounted',
    promise: 'A run that ended with its process counts as an attempt.',
    find: "UPDATE mq.deliveries d SET state = 'r', attempt = d.attempt + 1, consumer = NULL, at = clock_timestamp() WHERE d.state = 'f' AND d.grp",
    replace:
      "UPDATE mq.deliveries d SET state = 'r', consumer = NULL, at = clock_timestamp() WHERE d.state = 'f' AND d.grp",
    case: 'RET-16',
  },
  {
    id: 'neverRenews',
    promise: 'A long handler keeps its message to its end.',
    find: 'if (performance.now() - this.#renewedAt < renewMsOf(settings.visibilityMs) && membership.lease.isValid) return',
    replace: 'if (performance.now() - this.#renewedAt < 3 * settings.visibilityMs) return',
    case: 'LNG-1',
  },
  {
    id: 'reportsLostClaimLate',
    promise: 'A handler learns that its claim is over before another consumer may begin.',
    find: 'return performance.now() - this.#renewedAt < certainPart * holdsMs',
    replace: 'return performance.now() - this.#renewedAt < 9 * holdsMs',
    case: 'FLT-28',
  },
  {
    id: 'trustsALostPresence',
    promise: 'A handler whose process the server no longer sees aborts before another consumer may begin.',
    find: 'const holdsMs = !hasPresence || isPresent() ? visibilityMs : Math.min(visibilityMs, goneMs)',
    replace: 'const holdsMs = hasPresence || isPresent() ? visibilityMs : Math.min(visibilityMs, goneMs)',
    case: 'FLT-29',
  },
  {
    id: 'takesFromSilentNeighbours',
    promise: 'What nobody else would take stays with a process that only stood still.',
    find: "WHERE d.state = 'f' AND d.grp = ANY (a_groups) AND NOT EXISTS",
    replace: "WHERE d.state = 'f' AND NOT EXISTS",
    case: 'FLT-33',
  },
  {
    id: 'forgetsDoubt',
    promise: 'A message that was claimed by a statement without an answer runs.',
    find: "if (error.kind === 'unanswered') this.#isInDoubt = true",
    replace: '',
    test: { file: 'test/claims.test.ts', title: 'whose answer was lost is given back without an attempt' },
    why: 'The suite cuts connections at any moment, and hardly ever between a claim and its answer.',
  },
  {
    id: 'stopLosesTheRest',
    promise: 'A consumer that stops gives back what it has not finished, without an attempt.',
    find: "UPDATE mq.deliveries d SET state = 'r', consumer = NULL WHERE d.grp = $1 AND d.state = 'f' AND d.consumer = $2",
    replace:
      "UPDATE mq.deliveries d SET state = 'r', attempt = d.attempt + 1, consumer = NULL WHERE d.grp = $1 AND d.state = 'f' AND d.consumer = $2",
    case: 'RET-20',
  },
]
