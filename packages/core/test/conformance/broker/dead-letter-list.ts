import { randomUUID } from 'node:crypto'
import { failureBeforeReplay, withoutStack } from '../../../src/adapter.js'
import type { Failure } from '../../../src/index.js'
import type { Entry } from './member.js'
import type { Faulty } from './mutation.js'
import type { StoredMessage, WireDeadLetter } from './wire.js'

export interface ReplayedEntry {
  readonly message: StoredMessage
  readonly attempts: number
  readonly failure: Failure | undefined
}

export interface Replayed {
  readonly entries: readonly ReplayedEntry[]
  readonly count: number
}

/** The dead letters of one group, oldest first. */
export class DeadLetterList {
  readonly #faulty: Faulty
  #entries: WireDeadLetter[] = []

  constructor(faulty: Faulty) {
    this.#faulty = faulty
  }

  get size(): number {
    return this.#entries.length
  }

  add({ message }: Entry, failure: Failure): void {
    if (this.#faulty('dlqDrops')) return
    this.#entries.push({ entryId: randomUUID(), message: this.#kept(message), failure: this.#told(failure) })
  }

  list(limit: number): readonly WireDeadLetter[] {
    const all = this.#faulty('listNewestFirst') ? [...this.#entries].reverse() : this.#entries
    const listed = this.#faulty('listIgnoresLimit') ? [...all] : all.slice(0, limit)
    if (this.#faulty('listBorrows')) this.#hide(listed)
    if (this.#faulty('listRemoves')) this.#entries = this.#entries.filter((entry) => !listed.includes(entry))
    if (this.#faulty('entryIdChanges')) return listed.map((entry) => ({ ...entry, entryId: randomUUID() }))
    return listed
  }

  replay(entryIds: readonly string[] | undefined): Replayed {
    const before = this.#entries
    const taken = this.#take(this.#faulty('replayIgnoresIds') ? undefined : entryIds)
    if (this.#faulty('replayKeepsEntry')) this.#entries = before
    const entries = taken.map(({ message, failure }) => ({
      message: this.#faulty('replayChangesId') ? renamed(message) : message,
      attempts: this.#faulty('replayKeepsAttempt') ? failure.attempts : 0,
      failure: this.#faulty('replayForgetsTrace') ? undefined : failureBeforeReplay(failure),
    }))
    const count = this.#faulty('replayMiscounts') ? taken.length - 1 : taken.length
    return { entries: this.#faulty('replayLoses') ? [] : entries, count }
  }

  /** Returns the number of removed entries. */
  purge(entryIds: readonly string[] | undefined): number {
    if (this.#faulty('purgeNothing')) return this.#entries.length
    const purged = this.#take(this.#faulty('purgeEverything') ? undefined : entryIds).length
    return this.#faulty('purgeMiscounts') ? purged + 1 : purged
  }

  inherit(list: DeadLetterList): void {
    this.#entries = list.#entries
  }

  #take(entryIds: readonly string[] | undefined): readonly WireDeadLetter[] {
    const isTaken = ({ entryId }: WireDeadLetter): boolean => entryIds === undefined || entryIds.includes(entryId)
    const taken = this.#entries.filter(isTaken)
    this.#entries = this.#entries.filter((entry) => !isTaken(entry))
    return taken
  }

  #hide(listed: readonly WireDeadLetter[]): void {
    this.#entries = this.#entries.filter((entry) => !listed.includes(entry))
    setTimeout(() => this.#entries.unshift(...listed), 5).unref()
  }

  #kept(message: StoredMessage): StoredMessage {
    if (this.#faulty('dlqLosesHeaders')) return { ...message, headers: {} }
    return this.#faulty('dlqReserialises') ? { ...message, body: rewritten(message.body) } : message
  }

  #told(failure: Failure): Failure {
    return {
      ...failure,
      ...(this.#faulty('reasonLost') && { reason: 'broker' }),
      ...(this.#faulty('errorLost') && { error: { name: 'Error', message: '' } }),
      ...(this.#faulty('errorCodeLost') && { error: withoutCode(failure) }),
      ...(this.#faulty('stackLost') && { error: withoutStack(failure).error }),
      ...(this.#faulty('attemptsLost') && { attempts: 0 }),
      ...(this.#faulty('firstFailedAtLost') && { firstFailedAt: failure.failedAt }),
    }
  }
}

function withoutCode({ error: { code: _, ...error } }: Failure): Failure['error'] {
  return error
}

const renamed = (message: StoredMessage): StoredMessage => ({
  ...message,
  attributes: { ...message.attributes, id: randomUUID() },
})

/** Parses JSON and serialises it again. Treats everything else as text. */
function rewritten(body: Uint8Array): Uint8Array {
  const text = Buffer.from(body).toString()
  try {
    return Buffer.from(JSON.stringify(JSON.parse(text), null, 1))
  } catch {
    return Buffer.from(text)
  }
}
