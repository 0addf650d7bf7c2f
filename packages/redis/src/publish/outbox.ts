import { setTimeout as sleep } from 'node:timers/promises'
import type { MqError, StoreOutcome } from '@mq/core/adapter'
import { type CommandError, commandError, isOutOfMemory, willPass } from '../connection/errors.js'
import type { Link } from '../connection/link.js'
import type { Settings, WaitCommand } from '../options.js'
import { joinPacked, packedBytes } from '../wire/fields.js'
import { topicKeys } from '../wire/keys.js'
import { publishScript } from '../wire/scripts/publish.js'
import { trimScript } from '../wire/scripts/take.js'
import { giveUp, type Item, isSettled, rejectedError, settle, unknownError } from './outgoing.js'

/** What goes out in one script: enough to be fast, little enough to keep the broker busy for a few milliseconds only. */
const batchMessages = 200
const batchBytes = 512 * 1024
/** While the broker works on one, the next is made. */
const batchesAtOnce = 2
const leastSplit = 16
const longestPauseMs = 1_000

interface Batch {
  readonly items: readonly Item[]
  /** A message waits while another of its key is out: only so is their order certain, should the broker refuse the first. */
  readonly keys: ReadonlySet<string>
}

export interface OutboxParts {
  readonly topic: string
  readonly settings: Settings
  readonly link: Link
  readonly onEmpty: () => void
}

/** What waits for one topic. It is sent in scripts of many messages each; a second sending is harmless, as the broker knows the ids. */
export function createOutbox({ topic, settings, link, onEmpty }: OutboxParts) {
  const { dedupeMs, retain, wait } = settings
  const keys = topicKeys(settings.prefix, topic)
  const { stream, delayed, delayedData, seq, ids, idsOld, groups, listeners } = keys
  const scriptKeys = [stream, delayed, delayedData, seq, ids, idsOld, groups, listeners]
  const out = new Set<Batch>()
  let items: Item[] = []
  let failed: { readonly batch: Batch; readonly error: CommandError }[] = []
  let pauseMs = 0
  let isPlanned = false
  let isClosed = false

  /** After this turn of the event loop: what else is published in it goes along. */
  function plan(): void {
    if (isPlanned) return
    isPlanned = true
    setImmediate(pump)
  }

  function pump(): void {
    isPlanned = false
    while (!isClosed && items.length > 0 && failed.length === 0 && out.size < batchesAtOnce) {
      if (!link.isUp) return void resumeWhenUp()
      const batch = nextBatch()
      if (batch === undefined) return
      if (batch.items.length === 0) continue
      out.add(batch)
      void send(batch.items)
        .catch((error) => failed.push({ batch, error: commandError(error) }))
        .then(() => ended(batch))
    }
    if (items.length === 0 && out.size === 0 && failed.length === 0) onEmpty()
  }

  async function resumeWhenUp(): Promise<void> {
    isPlanned = true
    await link.whenUp(longestPauseMs)
    // A closed one is waited for no more: what is left gets its outcome at its deadline.
    if (!link.isClosed) pump()
  }

  function ended(batch: Batch): void {
    out.delete(batch)
    if (failed.length === 0) {
      pauseMs = 0
      plan()
    } else if (out.size === 0) void recover()
  }

  /** At most a half of all that is under way, so that there is always something to do on either side. */
  function nextBatch(): Batch | undefined {
    let underWay = items.length
    for (const batch of out) underWay += batch.items.length
    const most = Math.min(batchMessages, Math.max(leastSplit, Math.ceil(underWay / 2)))
    const taken = new Set<string>()
    let bytes = 0
    let count = 0
    while (count < items.length && count < most && (count === 0 || bytes < batchBytes)) {
      const item = items[count] as Item
      const { key } = item
      if (key !== undefined) {
        if (isKeyOut(key)) break
        taken.add(key)
      }
      bytes += packedBytes(item)
      count += 1
    }
    return count === 0 ? undefined : { items: items.splice(0, count).filter((item) => !isSettled(item)), keys: taken }
  }

  function isKeyOut(key: string): boolean {
    for (const batch of out) if (batch.keys.has(key)) return true
    return false
  }

  async function send(batch: readonly Item[]): Promise<void> {
    const packed = joinPacked(batch)
    const copies: Promise<unknown>[] = []
    // On the same connection right behind the write, each time that it is sent: only then it is this write that is waited for.
    const waitForCopies = ({ name, args, timeoutMs }: WaitCommand): void => {
      const reply = link.send(name, [...args, timeoutMs], timeoutMs + settings.commandTimeoutMs)
      reply.catch(() => {})
      copies.push(reply)
    }
    const args = [dedupeMs, retain, wait === undefined ? 0 : 1, packed]
    const reply = await link.run(publishScript, scriptKeys, args, wait && (() => waitForCopies(wait)))
    const [hasGroups, ...refused] = reply as readonly (number | Buffer)[]
    const missing = wait && (await missingCopies(copies.at(-1), wait.args))
    for (let at = 0; at < refused.length; at += 2) {
      settle(batch[Number(refused[at]) - 1] as Item, rejected(rejectedError(String(refused[at + 1]))))
    }
    const outcomes =
      missing === undefined ? stored(hasGroups === 1) : { now: unknown(missing), later: unknown(missing) }
    for (const item of batch) settle(item, item.isDelayed ? outcomes.later : outcomes.now)
  }

  /** What is to be tried again goes back to its place. */
  async function recover(): Promise<void> {
    const isFull = pauseMs === 0 && failed.some(({ error }) => isOutOfMemory(error))
    // What is kept only for groups to come makes room for what somebody waits for.
    const freed = isFull ? Number(await link.run(trimScript, [stream, groups], [0]).catch(() => 0)) : 0
    for (const { batch, error } of failed) {
      if (freed > 0 && isOutOfMemory(error)) continue
      decide(batch.items, error)
    }
    const again = failed.flatMap(({ batch }) => batch.items).filter((item) => !isSettled(item))
    items = [...again, ...items].sort((a, b) => a.number - b.number)
    pauseMs = again.length === 0 ? 0 : Math.min(longestPauseMs, Math.max(20, 2 * pauseMs))
    if (pauseMs > 0) await sleep(pauseMs)
    failed = []
    plan()
  }

  /** Settles what shall not be tried again. */
  function decide(batch: readonly Item[], error: CommandError): void {
    if (error.kind === 'unanswered') {
      for (const item of batch) item.doubtful = true
      if (dedupeMs === 0) for (const item of batch) giveUp(item, unknownError(error))
    } else if (!willPass(error)) {
      for (const item of batch) giveUp(item, rejectedError(error.message))
    }
  }

  return {
    add(item: Item): void {
      items.push(item)
      plan()
    },
    /** Every message past its deadline that is not at the broker gets the outcome that is known by then. */
    expire(now: number, error: () => MqError): void {
      if (!items.some(({ call }) => now >= call.deadline)) return
      for (const item of items) if (now >= item.call.deadline) giveUp(item, error())
      items = items.filter((item) => !isSettled(item))
    },
    close(error: MqError): void {
      isClosed = true
      for (const item of items) giveUp(item, error)
    },
  }
}

const rejected = (error: MqError): StoreOutcome => ({ status: 'rejected', routed: 'no', error })
const unknown = (cause: Error): StoreOutcome => ({ status: 'unknown', routed: 'unknown', error: unknownError(cause) })
const later: StoreOutcome = { status: 'stored', routed: 'unknown' }
const stored = (hasGroups: boolean): { readonly now: StoreOutcome; readonly later: StoreOutcome } => ({
  now: { status: 'stored', routed: hasGroups ? 'yes' : 'no' },
  later,
})

async function missingCopies(
  copies: Promise<unknown> | undefined,
  wanted: readonly number[],
): Promise<Error | undefined> {
  try {
    const reply = await copies
    const counts = (Array.isArray(reply) ? reply : [reply]).map(Number)
    if (wanted.every((want, index) => (counts[index] ?? 0) >= want)) return undefined
    return new Error(`only ${counts.join(' and ')} of ${wanted.join(' and ')} copies were confirmed in time`)
  } catch (error) {
    return commandError(error)
  }
}
