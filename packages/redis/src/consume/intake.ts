import type { Argument, Link } from '../connection/link.js'
import type { Script } from '../connection/script.js'
import type { Settings } from '../options.js'
import type { GroupPlace } from '../wire/keys.js'
import { type Intake, intakeOf, nothing, readIntake } from '../wire/reply.js'
import { claimScript, recoverScript } from '../wire/scripts/claim.js'
import { takeOrderedScript, takeScript } from '../wire/scripts/take.js'
import { createPortions } from './portions.js'
import type { Runs } from './runs.js'

export interface IntakeParts {
  readonly settings: Settings
  readonly place: GroupPlace
  readonly name: string
  /** The consumer's own connection, for what blocks. */
  readonly link: Link
  readonly commands: Link
  readonly runs: Runs
  readonly ordered: boolean
}

/** Where a look at all that is pending starts, in the topic's stream and in the group's for retries. */
const begins: readonly string[] = ['-', '-']

/**
 * The ways in which a consumer gets messages, one after the other. Nothing else reads for this consumer, so what it owns and
 * does not know of, once an answer was lost, is found in its pending list.
 *
 * An ordered consumer blocks only to learn that there is something, and is woken when a key of its own is free again; what it
 * gets, a script decides, in one step with the order of the keys.
 */
export function createIntake({ settings, place, name, link, commands, runs, ordered }: IntakeParts) {
  const { pollMs, visibilityMs } = settings
  const { stream, retry, due, dueData, delayed, delayedData, lanes, waiting, open } = place.keys
  let generation = -1
  let recoverAt = 0
  let claimAt = 0
  let takeAt = 0
  let cursors: readonly string[] = begins
  let streamEnd = '0-0'
  let news: Promise<unknown> | undefined
  let wake: (() => void) | undefined
  const asked = ordered ? commands : link
  const portions = createPortions()

  const ask = async (
    script: Script,
    keys: readonly string[],
    args: readonly Argument[],
  ): Promise<{ reply: readonly unknown[]; claimedAt: number }> => {
    const claimedAt = performance.now()
    const reply = (await asked.run(script, keys, [place.group, name, ...args])) as readonly unknown[]
    return { reply, claimedAt }
  }

  async function recover(room: number): Promise<Intake> {
    const { reply, claimedAt } = await ask(recoverScript, [stream, retry], [room, ...runs.refs])
    return intakeOf(reply, place.topic, claimedAt)
  }

  async function claim(room: number): Promise<Intake> {
    const args = [room, visibilityMs, ordered ? 1 : 0, ...cursors]
    const { reply, claimedAt } = await ask(claimScript, [stream, retry, lanes, waiting], args)
    // A stream that was seen to its end waits there for the other.
    cursors = reply.slice(0, 2).map((cursor) => (String(cursor) === '-' ? '+' : String(cursor)))
    if (cursors.every((cursor) => cursor === '+')) cursors = begins
    return intakeOf(reply.slice(2), place.topic, claimedAt)
  }

  async function take(room: number): Promise<Intake> {
    const keys = [stream, retry, due, dueData, delayed, delayedData]
    const { reply, claimedAt } = ordered
      ? await ask(takeOrderedScript, [...keys, lanes, waiting, open], [room])
      : await ask(takeScript, keys, [room])
    const waitMs = Number(reply[0])
    takeAt = claimedAt + (waitMs < 0 ? pollMs : Math.min(waitMs, pollMs))
    if (ordered) streamEnd = String(reply[1])
    const intake = intakeOf(reply.slice(ordered ? 2 : 1), place.topic, claimedAt)
    if (intake.owned.length >= room) takeAt = claimedAt
    return intake
  }

  async function newsOrWake(blockMs: number): Promise<void> {
    news ??= link.send('XREAD', ['COUNT', 1, 'BLOCK', blockMs, 'STREAMS', stream, streamEnd]).finally(() => {
      news = undefined
    })
    // It may be rejected while nobody waits for it any more; the next one will be, too.
    news.catch(() => {})
    const woken = new Promise<null>((resolve) => {
      wake = () => resolve(null)
    })
    if ((await Promise.race([news, woken])) !== null) takeAt = 0
  }

  /** Blocks for as long as nothing else is to be done, and never for long: a stop waits for it. */
  async function read(room: number): Promise<Intake> {
    const claimedAt = performance.now()
    const blockMs = Math.max(1, Math.min(pollMs, Math.ceil(takeAt - claimedAt)))
    if (ordered) {
      await newsOrWake(blockMs)
      return nothing
    }
    const group = ['GROUP', place.group, name, 'COUNT', room, 'BLOCK', blockMs]
    const reply = await link.send('XREADGROUP', [...group, 'STREAMS', stream, '>'])
    return readIntake(reply, place.topic, claimedAt)
  }

  async function next(): Promise<Intake> {
    const now = performance.now()
    const room = portions.of(runs.free)
    if (generation !== asked.generation) {
      generation = asked.generation
      recoverAt = 0
    }
    if (now >= recoverAt) {
      const recovered = await recover(room)
      if (recovered.owned.length === room) return recovered
      // Once more when the broker, too, must have noticed that a connection is gone that still waited there.
      recoverAt = recoverAt === 0 ? now + pollMs + visibilityMs / 10 : Number.POSITIVE_INFINITY
      return recovered
    }
    if (now >= claimAt) {
      const claimed = await claim(room)
      if (claimed.owned.length < room && cursors === begins) claimAt = now + visibilityMs / 3
      return claimed
    }
    if (now >= takeAt) return await take(room)
    return await read(room)
  }

  return {
    /** The next thing to do, as far as there is room; resolves with what came of it. Rejects with a `CommandError`. */
    async next(): Promise<Intake> {
      const intake = await next()
      portions.learn(intake.owned)
      return intake
    },
    /** An answer was lost: what it brought is looked for before anything else is asked. */
    doubt(): void {
      recoverAt = 0
    },
    /** Something of this group falls due sooner than was known, or has become free. */
    expect(delayMs: number): void {
      takeAt = Math.min(takeAt, performance.now() + delayMs)
      wake?.()
    },
  }
}
