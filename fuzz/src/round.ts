import { setTimeout as sleep } from 'node:timers/promises'
import type { Arena } from './arena.js'
import { taskTopics } from './arena.js'
import { type Canary, canaries } from './canary.js'
import type { Enemy, Generator, Written } from './hostile.js'
import { Broken } from './oracle/broken.js'
import { checkAlways, checkEvents, illness, some, spareBytes } from './oracle/checks.js'
import { Ledger } from './oracle/ledger.js'
import { checkReplay, chosenFor } from './oracle/replays.js'
import { SubjectLost } from './subject/remote.js'
import type { Letter, Sight } from './subject/sight.js'
import type { Subject } from './subject/subject.js'

export interface Field {
  readonly subject: Subject
  readonly arena: Arena
  readonly enemy: Pick<Enemy, 'patienceMs' | 'maxEntryBytes'>
  /** Resident before anything hostile came. Undefined where the fuzzer lives in the same process. */
  readonly restBytes: number | undefined
  readonly secrets: readonly string[]
  /** Oracles that say nothing. */
  readonly without: readonly Broken['oracle'][]
  /** Names the round in marks. */
  readonly salt: string
}

const pollMs = 25
/** Dead letters are looked at less often: to look costs the broker something. */
const listEveryMs = 150
/** Of a processor, when there is nothing to do. */
const idleShare = 0.5
const idleMs = 300
/** Longer than the pauses after which consumers tidy up. */
const lingersMs = 1_300

/**
 * Writes hostile entries among canaries. Returns the size of the largest one. Rejects with `Broken` when a promise does not hold.
 */
export async function fight(generator: Generator, entries: readonly unknown[], field: Field): Promise<number> {
  try {
    const round = new Round(generator, entries, field)
    await round.run()
    return round.largest
  } catch (error) {
    if (error instanceof SubjectLost) throw new Broken('process', error.message)
    throw error
  }
}

class Round {
  readonly #generator: Generator
  readonly #entries: readonly unknown[]
  readonly #field: Field
  readonly #ledger = new Ledger()
  readonly #startedAt = performance.now()
  #last: Sight | undefined
  #listedAt = 0
  #listError: string | undefined
  #maxBytes = Number.POSITIVE_INFINITY
  #largest = 0

  constructor(generator: Generator, entries: readonly unknown[], field: Field) {
    this.#generator = generator
    this.#entries = entries
    this.#field = field
  }

  /** In bytes, of all entries that were written. */
  get largest(): number {
    return this.#largest
  }

  async run(): Promise<void> {
    const { arena } = this.#field
    await this.#look()
    const ticksBefore = this.#last?.ticks ?? 0
    await this.#publish(3)
    if (arena.tasks) await this.#startSlowTask()
    const innocentOnly = this.#generator.sabotages === true || this.#generator.ruins === 'group'
    await Promise.all([this.#write(), this.#publish(8, { innocentOnly })])
    if (this.#generator.ruins === 'group') return await this.#endure(this.#ledger.written)
    const broken = this.#ledger.written.filter(({ undo }) => undo !== undefined)
    if (broken.length > 0) await this.#endure(broken)
    if (this.#generator.lingers) await sleep(lingersMs)
    await this.#publish(4)
    await this.#canariesCome()
    await this.#entriesCome()
    if (arena.tasks) await this.#tasksGoOn(ticksBefore)
    await this.#replayAndPurge()
    await this.#publish(4)
    await this.#canariesCome()
    await this.#isWell()
    await this.#isIdle()
    await this.#clear()
  }

  async #publish(count: number, { innocentOnly = false } = {}): Promise<void> {
    const { arena, subject, salt } = this.#field
    const topics = innocentOnly ? [arena.innocent] : [arena.topic, arena.innocent]
    const both = topics.map(async (topic) => {
      const made: readonly Canary[] = canaries(count, salt)
      for (const canary of made) this.#ledger.canaries.push({ topic, canary })
      await subject.publish(topic, made).catch((error: Error) => {
        if (error instanceof SubjectLost) throw error
        throw new Broken('canary lost', `A canary could not be published to ${topic}: ${error.message}`)
      })
    })
    await Promise.all(both)
  }

  async #write(): Promise<void> {
    const { arena, salt } = this.#field
    const { instance = '', runningTask = '' } = this.#last ?? {}
    for (const [index, entry] of this.#entries.entries()) {
      const attack = { arena, mark: `~fz${salt}.${index}~`, instance, runningTask }
      const written: Written = await this.#generator.write(entry, attack)
      this.#ledger.written.push(written)
      this.#largest = Math.max(this.#largest, written.bytes)
      const { restBytes, enemy } = this.#field
      if (restBytes !== undefined) {
        const held = spareBytes + arena.concurrency * Math.min(this.#largest, enemy.maxEntryBytes)
        this.#maxBytes = restBytes + (this.#generator.spareBytes ?? held)
      }
    }
  }

  /** Something of ours was broken at the broker: others go on, and it is said. */
  async #endure(broken: readonly Written[]): Promise<void> {
    const { arena } = this.#field
    await this.#until('canary lost', 'Canaries of the innocent topic are missing', () =>
      this.#ledger.missingCanaries((topic) => topic === arena.innocent),
    )
    await this.#until('silence', 'Neither health() nor an event says what is going on', () =>
      broken.every((one) => one.mayBeSilent) ||
      this.#ledger.eventCount > 0 ||
      (this.#last !== undefined && illness(this.#last, arena) !== undefined)
        ? []
        : ['nothing was said'],
    )
    for (const { undo } of broken) await undo?.()
  }

  async #canariesCome(): Promise<void> {
    await this.#until('canary lost', 'Canaries are missing', () => this.#ledger.missingCanaries())
  }

  async #entriesCome(): Promise<void> {
    await this.#until('entry lost', 'Hostile entries were neither handled nor dead-lettered', () =>
      this.#ledger.missingEntries().map(({ names, fate }) => `${fate} ${names.join(' = ').slice(0, 200)}`),
    )
    await this.#until('list', 'Dead letters cannot be listed', () =>
      this.#listError === undefined ? [] : [this.#listError],
    )
  }

  async #startSlowTask(): Promise<void> {
    await this.#field.subject.ask([`slow ${this.#field.salt}`])
    await this.#until('task', 'A task does not begin', () => (this.#last?.runningTask ? [] : ['it did not run']))
  }

  async #tasksGoOn(ticksBefore: number): Promise<void> {
    const { subject, salt, arena } = this.#field
    const names = [`slow ${salt}`, `quick ${salt}`]
    await subject.ask([`quick ${salt}`])
    await this.#until('task', 'Tasks have no result', () => {
      const missing = names.filter((name) => this.#last?.results[name] !== `done ${name}`)
      return missing.map((name) => `${name}: ${this.#last?.results[name] ?? 'none'}`)
    })
    const ticksNow = this.#last?.ticks ?? 0
    await this.#until('schedule', `A schedule of one tick a second stands still (${ticksBefore} ticks before)`, () =>
      (this.#last?.ticks ?? 0) >= ticksNow + 2 ? [] : [`${(this.#last?.ticks ?? 0) - ticksNow} ticks since`],
    )
    for (const topic of [taskTopics.task(arena), taskTopics.schedule(arena)]) {
      const group = topic === taskTopics.task(arena) ? 'workers' : 'replicas'
      await this.#field.subject.letters({ topic, group }).catch((error: Error) => {
        throw new Broken('list', `Dead letters of ${topic} cannot be listed: ${error.message}`)
      })
    }
  }

  async #replayAndPurge(): Promise<void> {
    const { arena, subject } = this.#field
    const ref = { topic: arena.topic, group: arena.group }
    const letters = [...this.#ledger.letters.values()].filter(({ topic }) => topic === arena.topic)
    const staying = letters.filter((one) => this.#ledger.stays(one))
    await this.#replayIsRefused(staying.find((one) => this.#ledger.cannotBeReplayed(one)))
    const chosen = chosenFor(letters, (one) => staying.includes(one) && !this.#ledger.cannotBeReplayed(one))
    const { doomed } = chosen
    const runsBefore = doomed.map(({ topic, id }) => this.#ledger.runsOf(topic, id).length)
    await checkReplay(chosen, (ids) => subject.replay(ref, ids))
    await this.#until('replay', 'Replayed canaries do not run', () =>
      doomed
        .filter(({ topic, id }, index) => this.#ledger.runsOf(topic, id).length <= (runsBefore[index] ?? 0))
        .map(({ id }) => id),
    )
    for (const { topic } of [ref, { topic: arena.innocent }]) {
      let left = -1
      await this.#until('purge', `Dead letters of ${topic} cannot be purged`, async () => {
        await subject.purge({ topic, group: arena.group }).catch(ignoreUnlessLost)
        left = (await subject.letters({ topic, group: arena.group }).then((all) => all.length, ignoreUnlessLost)) ?? -1
        return left === 0 ? [] : [left < 0 ? 'they cannot be listed' : `${left} are left`]
      })
    }
    // What is purged is no dead letter any more, and was one: it counts as seen.
    for (const { topic, canary } of [...this.#ledger.canaries]) {
      if (canary.kind === 'doomed')
        this.#ledger.canaries.splice(
          this.#ledger.canaries.findIndex((one) => one.canary === canary && one.topic === topic),
          1,
        )
    }
  }

  /** What cannot be replayed stays, and the error says why. */
  async #replayIsRefused(letter: Letter | undefined): Promise<void> {
    if (letter === undefined) return
    const { arena, subject } = this.#field
    const ref = { topic: arena.topic, group: arena.group }
    const text = await subject.replay(ref, [letter.entryId]).then(() => undefined, ignoreText)
    if (text === undefined)
      throw new Broken('replay', `The dead letter ${letter.entryId} was replayed, although it cannot be`)
    const left = await subject.letters(ref)
    if (left.some(({ entryId }) => entryId === letter.entryId)) return
    throw new Broken('replay', `The dead letter ${letter.entryId} could not be replayed and is gone: ${text}`)
  }

  async #isWell(): Promise<void> {
    await this.#until('health', 'It is not well again', () => {
      const ill = this.#last === undefined ? 'nothing was seen' : illness(this.#last, this.#field.arena)
      return ill === undefined ? [] : [ill]
    })
    checkEvents(this.#ledger, performance.now() - this.#startedAt)
  }

  /** When all is done, no processor is used. */
  async #isIdle(): Promise<void> {
    if (this.#field.restBytes === undefined) return
    await this.#until('hot loop', 'It is busy although there is nothing to do', async () => {
      const before = await this.#look()
      await sleep(idleMs)
      const after = await this.#look()
      const share = (after.cpuMs - before.cpuMs) / (after.elapsedMs - before.elapsedMs)
      return share <= idleShare ? [] : [`${Math.round(100 * share)} % of a processor`]
    })
  }

  async #clear(): Promise<void> {
    const { arena, subject } = this.#field
    await Promise.all([arena.topic, arena.innocent].map((topic) => subject.purge({ topic, group: arena.group })))
  }

  async #look(): Promise<Sight> {
    const { subject, secrets, without } = this.#field
    const sight = await subject.look()
    this.#last = sight
    this.#ledger.take(sight)
    for (const { fraction, noteLength } of sight.steps) {
      if (!(fraction >= 0 && fraction <= 1) || noteLength > 1_000) {
        throw new Broken(
          'task',
          `An asker was told of a fraction of ${fraction} and a note of ${noteLength} characters`,
        )
      }
    }
    checkAlways(this.#ledger, { secrets, without, maxBytes: this.#maxBytes })
    return sight
  }

  async #list(): Promise<void> {
    const { arena, subject } = this.#field
    this.#listedAt = performance.now()
    for (const topic of [arena.innocent, arena.topic]) {
      const letters = await subject.letters({ topic, group: arena.group })
      this.#ledger.takeLetters(letters)
    }
  }

  /** Looks until nothing is missing. Throws `Broken` after the deadline. */
  async #until(
    oracle: Broken['oracle'],
    what: string,
    missing: () => readonly string[] | Promise<readonly string[]>,
  ): Promise<void> {
    const { patienceMs } = this.#field.enemy
    for (const until = performance.now() + patienceMs; ; ) {
      await this.#look()
      if (performance.now() - this.#listedAt > listEveryMs) {
        this.#listError = await this.#list().then(() => undefined, ignoreText)
      }
      const left = await missing()
      if (left.length === 0) return
      if (performance.now() > until) {
        if (this.#listError !== undefined) throw new Broken('list', `Dead letters cannot be listed: ${this.#listError}`)
        const health = this.#last === undefined ? '' : illness(this.#last, this.#field.arena)
        const said = `${health ?? 'health() says up'}; ${this.#ledger.eventCount} events${this.#ledger.texts.length > 0 ? `, the last ${JSON.stringify(this.#ledger.texts.at(-1)?.slice(0, 200))}` : ''}`
        throw new Broken(oracle, `${what}: ${some(left)}. ${said}`)
      }
      await sleep(pollMs)
    }
  }
}

function ignoreUnlessLost(error: Error): undefined {
  if (error instanceof SubjectLost) throw error
}

function ignoreText(error: Error): string {
  if (error instanceof SubjectLost) throw error
  return error.message
}
