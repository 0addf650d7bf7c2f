import type { Mutant } from '@mq/test-brokers'
import { fencedTwice, soonOnRedis } from './reasons.js'

/** Faults in how consumers keep, lose and take over messages. */
export const claiming: readonly Mutant[] = [
  {
    id: 'renewsForeignClaims',
    promise: 'A consumer that wakes takes no message back from its new owner.',
    find: 'if owned_by(stream, ARGV[1], ARGV[i + 1], ARGV[2]) then',
    replace: "if #redis.call('XPENDING', stream, ARGV[1], ARGV[i + 1], ARGV[i + 1], 1) > 0 then",
    test: { file: 'test/fencing.test.ts', title: 'is not claimed back by a renewal' },
    why: fencedTwice,
  },
  {
    id: 'reportsLostClaimLate',
    promise: 'A handler learns that its claim is over before another consumer may begin.',
    find: 'if (now - run.claimedAt < certainPart * holdsMs) continue',
    replace: 'if (now - run.claimedAt < 9 * holdsMs) continue',
    case: 'FLT-28',
  },
  {
    id: 'neverRenews',
    promise: 'A long handler keeps its message to its end.',
    find: 'if (isRenewing || runs.size === 0 || now - renewedAt < renewMs) return',
    replace: 'if (isRenewing || runs.size === 0 || now - renewedAt < visibilityMs * 3) return',
    case: 'LNG-1',
  },
  {
    id: 'trustsALostPresence',
    promise: 'A handler whose process the server no longer sees aborts before another consumer may begin.',
    find: 'const holdsMs = isPresent() ? visibilityMs : Math.min(visibilityMs, goneMs)',
    replace: 'const holdsMs = visibilityMs',
    case: 'FLT-29',
  },
  {
    id: 'neverSeesTheEnd',
    promise: 'The messages of a process that has ended run again soon.',
    find: 'is_there[id] = found.err ~= nil or found[2] ~= 0',
    replace: 'is_there[id] = found.err ~= nil or found[2] ~= nil',
    test: {
      file: 'test/takeover.test.ts',
      title: 'that was killed go to others at rest long before its claims are over',
    },
    why: soonOnRedis,
  },
  {
    id: 'takesStillForGone',
    promise: 'A process that stands still keeps its messages for the time that was chosen.',
    find: 'return is_there[id] and visibility or',
    replace: 'return is_there[id] and math.min(visibility, 3500) or',
    test: { file: 'test/takeover.test.ts', title: 'stay there while it stands still' },
    why: soonOnRedis,
  },
  {
    id: 'crashIsNotCounted',
    promise: 'A run that ended with its process counts as an attempt.',
    find: 'out[#out + 1] = {kind, pending[1], pending[4] + 1, entry[2], lane}',
    replace: 'out[#out + 1] = {kind, pending[1], 1, entry[2], lane}',
    case: 'RET-16',
  },
  {
    id: 'claimsBeyondConcurrency',
    promise: 'A consumer never runs more handlers at once than its concurrency, also after a crash of another one.',
    find: 'const claimed = await this.#claim(room)',
    replace: 'const claimed = await this.#claim(100)',
    case: 'CNC-8',
  },
  {
    id: 'claimsTooEarly',
    promise: 'A message is taken over only after its owner has been silent for the time of a claim.',
    find: 'const args = [room, settings.visibilityMs, ordered ? 1 : 0, presence, ...this.#cursors]',
    replace: 'const args = [room, settings.visibilityMs / 16, ordered ? 1 : 0, presence, ...this.#cursors]',
    case: 'LNG-1',
  },
  {
    id: 'neverRecoversLostAnswers',
    promise: 'A delivery whose answer was lost costs its message no attempt.',
    find: 'this.#generation = this.#link.generation this.#recoverAt = 0',
    replace: 'this.#generation = this.#link.generation\n      this.#recoverAt = Number.POSITIVE_INFINITY',
    test: {
      file: 'test/recovery.test.ts',
      title: 'finds messages whose delivery was lost on the way, and counts no attempt for it',
    },
    why: 'Only brokers that assign messages by an answer can lose one on the way.',
  },
  {
    id: 'lostEntriesAreSilent',
    promise: 'Pending messages that are destroyed at the broker are a data-loss event.',
    find: "if (gone.length > 0) onLoss('entries', gone.length)",
    replace: "if (gone.length > 100) onLoss('entries', gone.length)",
    test: { file: 'test/loss.test.ts', title: 'is reported with a count when a pending entry was deleted' },
    why: 'Of our brokers, Redis alone lets another program delete one message that a consumer owns.',
  },
  {
    id: 'leavesWithItsMessages',
    promise: 'A consumer that stops loses none of the messages that it still owns.',
    find: 'if not pending.err and #pending == 0 then',
    replace: 'if not pending.err then',
    test: { file: 'test/recovery.test.ts', title: 'leaves the messages to others that it owns without knowing it' },
    why: 'Only this adapter removes its consumer from the group, and its messages with it.',
  },
  {
    id: 'hoards',
    promise: 'A consumer holds no more messages than it handles.',
    find: `reply = await send([...group, 'STREAMS', place.keys.stream, place.keys.gate, '>', '>'])
    } catch (error) {
      gate.onRefused(error)
    }
    const received = receivedEntries(reply, place.topic, claimedAt, place.form)`,
    replace: `const self: { ahead?: Received['owned'] } = this as object
      if (self.ahead === undefined || self.ahead.length === 0) {
        group[4] = 50
        reply = await send([...group, 'STREAMS', place.keys.stream, place.keys.gate, '>', '>'])
      }
    } catch (error) {
      gate.onRefused(error)
    }
    const self: { ahead?: Received['owned'] } = this as object
    const owned = [...(self.ahead ?? []), ...receivedEntries(reply, place.topic, claimedAt, place.form).owned]
    self.ahead = owned.slice(room)
    const received = { ...nothingReceived, owned: owned.slice(0, room) }`,
    case: 'SHD-3',
  },
  {
    id: 'missesDueRetries',
    promise: 'A retry starts soon after its backoff is over.',
    find: 'this.#takeAt = Math.min(this.#takeAt, performance.now() + delayMs)',
    replace: 'this.#takeAt = Math.max(this.#takeAt, performance.now() + delayMs + 2_000)',
    case: 'RET-8',
  },
  {
    id: 'givesClaimsUpEarly',
    promise: 'A handler may hold the event loop for as long as health says.',
    find: 'now - run.claimedAt < certainPart * holdsMs',
    replace: 'now - run.claimedAt < 0.05 * holdsMs',
    case: 'FLT-34',
  },
  {
    id: 'slowAnswersStayLarge',
    promise: 'Messages arrive long before their claims end, also over a link that has become slow.',
    find: 'if (tookMs > slowMs) answerBytes = firstAnswerBytes',
    replace: 'if (tookMs > slowMs) return',
    test: { file: 'test/portions.test.ts', title: 'is that of 256 KiB again after a slow one' },
    why: 'It takes a link that is fast for megabytes and then slow for minutes until claims end, and a case has no minutes.',
  },
]
