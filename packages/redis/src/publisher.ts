import { setTimeout as sleep } from 'node:timers/promises'
import { MqError, type Outcome, type OutgoingMessage, type PublishCall } from '@mq/core'
import { type CommandError, commandError, isOutOfMemory, willPass } from './errors.js'
import { packMessage } from './fields.js'
import { topicKeys } from './keys.js'
import type { Argument, Link } from './link.js'
import type { Settings } from './options.js'
import { trimScript } from './scripts/fetch.js'
import { publishScript } from './scripts/publish.js'

/** One call of `publish`. */
interface Call {
  readonly outcomes: (Outcome | undefined)[]
  readonly resolve: (outcomes: readonly Outcome[]) => void
  /** Its signal is looked at only when an answer does not come at once: making one has a price. */
  readonly asked: PublishCall
  deadline: number
  sweeps: number
  open: number
}

/** A message on its way. */
interface Item {
  readonly call: Call
  readonly index: number
  readonly id: string
  readonly delayMs: number
  readonly packed: Buffer
  /** Sent at least once without an answer. */
  doubtful: boolean
}

/** What goes out in one script: enough to be fast, little enough to keep the broker busy for a few milliseconds only. */
const batchMessages = 200
const batchBytes = 512 * 1024
const sweepMs = 50
const longestPauseMs = 1_000

/**
 * Sends what waits for a topic in one script, one at a time, so that messages are stored in the order in which they came, also
 * after one had to be sent again. A second sending is harmless: the broker knows the ids.
 */
export function createPublisher(settings: Settings, link: Link) {
  const { keyPrefix, dedupeMs, retain, wait } = settings
  const topics = new Map<string, Item[]>()
  const calls = new Set<Call>()
  const busy = new Set<string>()
  let sweeper: NodeJS.Timeout | undefined
  let isClosed = false

  function settle({ call, index }: Item, outcome: Outcome): void {
    if (call.outcomes[index] !== undefined) return
    call.outcomes[index] = outcome
    call.open -= 1
    if (call.open > 0) return
    calls.delete(call)
    call.resolve(call.outcomes as Outcome[])
  }

  const isSettled = ({ call, index }: Item): boolean => call.outcomes[index] !== undefined

  function giveUp(item: Item, error: MqError): void {
    if (item.doubtful) settle(item, { status: 'unknown', routed: 'unknown', error: unknownError(error) })
    else settle(item, { status: 'rejected', routed: 'no', error })
  }

  /** Every message past its deadline, or whose caller has aborted, gets the outcome that is known by then. */
  function sweep(): void {
    const now = performance.now()
    for (const call of calls) if (call.sweeps++ > 0 && call.asked.signal.aborted) call.deadline = now
    for (const [topic, items] of topics) {
      if (items.some(({ call }) => now >= call.deadline)) {
        for (const item of items) if (now >= item.call.deadline) giveUp(item, notSentError())
        topics.set(
          topic,
          items.filter((item) => !isSettled(item)),
        )
      }
    }
    for (const call of calls) {
      if (now < call.deadline) continue
      // Those that no list holds are at the broker.
      const error = unknownError(new Error('there was no answer by its deadline, or before its caller aborted'))
      call.outcomes.forEach((outcome, index) => {
        if (outcome === undefined) call.outcomes[index] = { status: 'unknown', routed: 'unknown', error }
      })
      calls.delete(call)
      call.resolve(call.outcomes as Outcome[])
    }
    if (calls.size > 0) return
    clearInterval(sweeper)
    sweeper = undefined
  }

  function nextBatch(topic: string): Item[] {
    const items = topics.get(topic) ?? []
    let bytes = 0
    let count = 0
    while (count < items.length && count < batchMessages && (count === 0 || bytes < batchBytes)) {
      bytes += items[count]?.packed.length ?? 0
      count += 1
    }
    return items.splice(0, count).filter((item) => !isSettled(item))
  }

  async function send(topic: string, batch: readonly Item[]): Promise<void> {
    const keys = topicKeys(keyPrefix, topic)
    const { stream, delayed, delayedData, seq, ids, idsOld, groups, listeners } = keys
    const args: Argument[] = [dedupeMs, retain, wait === undefined ? 0 : 1]
    for (const { id, delayMs, packed } of batch) args.push(id, delayMs, packed)
    const script = link.run(publishScript, [stream, delayed, delayedData, seq, ids, idsOld, groups, listeners], args)
    // On the same connection right behind the write: only then it is this write that is waited for.
    const copies =
      wait === undefined
        ? undefined
        : link.send(wait.name, [...wait.args, wait.timeoutMs], wait.timeoutMs + settings.commandTimeoutMs)
    copies?.catch(() => {})
    const [hasGroups, ...results] = (await script) as readonly (number | Buffer)[]
    const missing = copies === undefined ? undefined : await missingCopies(copies, wait?.args ?? [])
    for (const [index, item] of batch.entries()) {
      settle(item, outcomeOf(item, results[index], { missing, hasGroups: hasGroups === 1 }))
    }
  }

  /** What is to be tried again goes back to the front of its topic. Resolves with how long to wait first. */
  async function afterFailure(
    topic: string,
    batch: readonly Item[],
    failed: CommandError,
    pauseMs: number,
  ): Promise<number> {
    if (failed.kind === 'unanswered') {
      for (const item of batch) item.doubtful = true
      if (dedupeMs === 0) for (const item of batch) giveUp(item, unknownError(failed))
    } else if (isOutOfMemory(failed) && pauseMs === 0) {
      const { stream, groups } = topicKeys(keyPrefix, topic)
      // What is kept only for groups to come makes room for what somebody waits for.
      const freed = await link.run(trimScript, [stream, groups], [0]).catch(() => 0)
      if (freed === 0) for (const item of batch) giveUp(item, rejectedError(failed.message))
    } else if (!willPass(failed)) {
      for (const item of batch) giveUp(item, rejectedError(failed.message))
    }
    const again = batch.filter((item) => !isSettled(item))
    topics.set(topic, [...again, ...(topics.get(topic) ?? [])])
    return again.length === 0 ? 0 : Math.min(longestPauseMs, Math.max(20, 2 * pauseMs))
  }

  async function drain(topic: string): Promise<void> {
    let pauseMs = 0
    while (!isClosed && (topics.get(topic)?.length ?? 0) > 0) {
      if (pauseMs > 0) await sleep(pauseMs)
      if (!link.isUp) {
        await link.whenUp(longestPauseMs)
        continue
      }
      const batch = nextBatch(topic)
      if (batch.length === 0) continue
      try {
        await send(topic, batch)
        pauseMs = 0
      } catch (error) {
        pauseMs = await afterFailure(topic, batch, commandError(error), pauseMs)
      }
    }
    busy.delete(topic)
    topics.delete(topic)
  }

  return {
    publish(topic: string, messages: readonly OutgoingMessage[], asked: PublishCall): Promise<readonly Outcome[]> {
      return new Promise((resolve) => {
        const outcomes = new Array<Outcome | undefined>(messages.length).fill(undefined)
        const deadline = performance.now() + asked.timeoutMs
        const call: Call = { outcomes, resolve, asked, deadline, sweeps: 0, open: messages.length }
        const items = topics.get(topic) ?? []
        topics.set(topic, items)
        messages.forEach((message, index) => {
          const { id, delayMs = 0 } = message
          items.push({ call, index, id, delayMs, packed: packMessage(message), doubtful: false })
        })
        calls.add(call)
        sweeper ??= setInterval(sweep, sweepMs)
        if (busy.has(topic)) return
        busy.add(topic)
        // After this turn of the event loop: what else is published in it goes along.
        setImmediate(() => void drain(topic))
      })
    },
    /** Resolves when nothing is on its way any more, or at the deadline; what is still open then is settled. */
    async close(deadlineMs: number): Promise<void> {
      const endsAt = performance.now() + deadlineMs
      while (calls.size > 0 && performance.now() < endsAt) await sleep(10)
      isClosed = true
      const closed = new MqError('MQ_PUBLISH_REJECTED', 'Not stored: the adapter was disconnected')
      for (const items of topics.values()) for (const item of items) giveUp(item, closed)
      for (const call of calls) call.deadline = 0
      sweep()
    },
  }
}

function outcomeOf(
  item: Item,
  result: number | Buffer | undefined,
  answer: { readonly missing: Error | undefined; readonly hasGroups: boolean },
): Outcome {
  if (result !== 1 && result !== 2) return { status: 'rejected', routed: 'no', error: rejectedError(String(result)) }
  if (answer.missing !== undefined) {
    return { status: 'unknown', routed: 'unknown', error: unknownError(answer.missing) }
  }
  return { status: 'stored', routed: item.delayMs > 0 ? 'unknown' : answer.hasGroups ? 'yes' : 'no' }
}

async function missingCopies(copies: Promise<unknown>, wanted: readonly number[]): Promise<Error | undefined> {
  try {
    const reply = await copies
    const counts = (Array.isArray(reply) ? reply : [reply]).map(Number)
    if (wanted.every((want, index) => (counts[index] ?? 0) >= want)) return undefined
    return new Error(`only ${counts.join(' and ')} of ${wanted.join(' and ')} copies were confirmed in time`)
  } catch (error) {
    return commandError(error)
  }
}

const notSentError = (): MqError =>
  new MqError(
    'MQ_PUBLISH_REJECTED',
    'Not sent: Redis could not be reached by its deadline, or before its caller aborted',
  )

const rejectedError = (text: string): MqError =>
  new MqError('MQ_PUBLISH_REJECTED', `Redis refused the message: ${text}`)

const unknownError = (cause: Error): MqError =>
  cause instanceof MqError && cause.code === 'MQ_PUBLISH_UNKNOWN'
    ? cause
    : new MqError('MQ_PUBLISH_UNKNOWN', `The message may or may not be stored: ${cause.message}`, { cause })
