import { randomUUID } from 'node:crypto'
import {
  type ConsumeOptions,
  type Failure,
  type GroupRef,
  type Handle,
  type LazyAbort,
  lazyAbort,
  MqError,
  type Settlement,
} from '@mq/core/adapter'
import type { Channel, ConsumeMessage } from 'amqplib'
import { textOf } from '../connection/errors.js'
import type { Copier, Copy, CopyCall } from '../publish/copies.js'
import { copyProperties, type Decoded, decode } from '../wire/wire.js'
import { createAcknowledger } from './acknowledger.js'
import { Lanes } from './dispatcher.js'

export interface SessionParts {
  readonly ref: GroupRef
  readonly options: ConsumeOptions
  readonly handle: Handle
  readonly copy: Copier
  /** Whether giving a message back raises its delivery count, as brokers before 4.3 do. */
  readonly returnsCount: boolean
  readonly report: (error: MqError) => void
}

/** One delivery that is not settled. What ends it first takes it out of `runs`; whatever comes after that is void. */
interface Run {
  readonly delivered: ConsumeMessage
  readonly decoded: Decoded
  readonly key: string | undefined
  readonly abort: LazyAbort
  readonly receivedAt: number
  isStarted: boolean
  /** An answer was accepted, and is being carried out. */
  isSettling: boolean
  copying?: CopyCall
}

/** How soon a message runs again whose `handle` rejected, which it must not. */
const brokenHandleDelayMs = 1_000

/** A stop cancels once nothing has come for a moment, or all slots are taken; at the latest after the longer time. */
const quietMs = 30
const fillMs = 200

/** How long after the deadline of a stop the copies of what is given back may take. */
const releaseGraceMs = 1_000

/**
 * The deliveries of one channel. A delivery tag means nothing on another channel, so what was delivered here is settled here
 * or not at all.
 */
export function createSession(channel: Channel, parts: SessionParts) {
  const { ref, options, handle, copy, report } = parts
  const runs = new Set<Run>()
  let isStopping = false
  let onChange: (() => void) | undefined
  /** Answers that wait until the consumer is cancelled. */
  let held: (() => void)[] | undefined
  let arrivedAt = 0
  const lanes = new Lanes<Run>(options, start)
  const acknowledger = createAcknowledger(channel, () => {
    const [oldest] = runs
    return oldest?.delivered.fields.deliveryTag ?? Number.POSITIVE_INFINITY
  })

  function receive(delivered: ConsumeMessage): void {
    const decoded = decoding(delivered)
    if (decoded === undefined) return
    const run: Run = {
      delivered,
      decoded,
      key: decoded.message.key,
      abort: lazyAbort(),
      receivedAt: Date.now(),
      isStarted: false,
      isSettling: false,
    }
    runs.add(run)
    if (!isStopping) lanes.add(run)
    else {
      arrivedAt = Date.now()
      onChange?.()
    }
  }

  /** Undefined for what even that has failed at. */
  function decoding(delivered: ConsumeMessage): Decoded | undefined {
    try {
      return decode(delivered, ref.topic, { countReturns: !options.ordered })
    } catch (cause) {
      // The driver would close the channel, and all of its messages would come again: this one time after time.
      const text = `A message could not be read, and was left to RabbitMQ to dead-letter: ${textOf(cause)}`
      acknowledger.count()
      channel.nack(delivered, false, false)
      report(new MqError('MQ_UNDECODABLE', text, { cause }))
      return undefined
    }
  }

  function start(run: Run): void {
    run.isStarted = true
    const delivery = {
      ...run.decoded,
      get signal() {
        return run.abort.signal
      },
    }
    handle(delivery).then(
      (settlement) => settle(run, settlement),
      (error: unknown) => settle(run, broken(run, error)),
    )
  }

  function settle(run: Run, settlement: Settlement): void {
    if (!runs.has(run) || run.isSettling || run.abort.aborted) return
    if (settlement.kind === 'done' || options.ephemeral) acknowledge(run)
    else if (settlement.kind === 'release') giveBack(run)
    else if (settlement.kind === 'retry') {
      const history = { attempt: run.decoded.attempt + 1, failure: settlement.failure }
      replace(run, { queue: 'group', delayMs: settlement.delayMs, ...history }, refuse)
    } else replace(run, { queue: 'dead', delayMs: 0, failure: settlement.failure, entryId: randomUUID() }, refuse)
  }

  /** Without counting as an attempt, where that can be had: at the price of the place in the queue. */
  function giveBack(run: Run): void {
    if (options.ephemeral || options.ordered || !parts.returnsCount) returnToQueue(run)
    else {
      const { attempt, failure } = run.decoded
      replace(run, { queue: 'group', delayMs: 0, attempt, ...(failure && { failure }) }, returnToQueue)
    }
  }

  const acknowledge = (run: Run): void => finish(run, () => acknowledger.add(run.delivered))
  const returnToQueue = (run: Run): void => nack(run, { requeue: true })
  /** The broker dead-letters it by itself, headers and all. */
  const refuse = (run: Run): void => nack(run, { requeue: false })

  /** With `ordered` by the close of the channel: only then the broker keeps the order of more than 32. */
  function returnAll(): void {
    // While they still count as out: what has ended is acknowledged up to the first of them.
    acknowledger.flush()
    const last = [...runs].at(-1)
    for (const run of runs) run.copying?.abandon()
    runs.clear()
    if (last === undefined || options.ordered) return
    try {
      channel.nack(last.delivered, true, true)
    } catch {
      // The channel has closed, and that gives back too.
    }
  }

  function nack(run: Run, { requeue }: { readonly requeue: boolean }): void {
    finish(run, () => {
      acknowledger.count()
      channel.nack(run.delivered, false, requeue)
    })
  }

  /**
   * Stores a copy, then acknowledges the original: a crash in between makes a duplicate, never a loss. `instead` is for an
   * original of which no copy can be made.
   */
  function replace(
    run: Run,
    by: Pick<Copy, 'queue' | 'delayMs'> & ReplacementHistory,
    instead: (run: Run) => void,
  ): void {
    run.isSettling = true
    const { queue, delayMs, ...history } = by
    const { content } = run.delivered
    const properties = copyProperties(run.delivered, { message: run.decoded.message, ...history })
    run.copying = copy({ ref, queue, delayMs, content, properties })
    void run.copying.result.then((result) => {
      if (result === 'stored') acknowledge(run)
      else if (result === 'impossible') instead(run)
    })
  }

  function finish(run: Run, answer: () => void): void {
    if (held !== undefined) {
      held.push(() => finish(run, answer))
      return
    }
    if (!runs.delete(run)) return
    try {
      answer()
    } catch {
      // The channel has closed: the broker hands the message out again.
    }
    if (run.isStarted) lanes.finish(run)
    onChange?.()
  }

  function broken(run: Run, cause: unknown): Settlement {
    const error = new MqError('MQ_OPERATION_FAILED', 'handle rejected; it must answer with a settlement', { cause })
    report(error)
    const now = Date.now()
    const failure: Failure = {
      reason: 'error',
      error: { name: 'Error', message: textOf(cause).slice(0, 256) },
      attempts: run.decoded.attempt,
      firstFailedAt: run.decoded.failure?.firstFailedAt ?? now,
      failedAt: now,
    }
    return { kind: 'retry', delayMs: brokenHandleDelayMs, failure }
  }

  /** Resolves with whether it is done, as soon as it is or after that time. */
  async function until(isDone: () => boolean, timeoutMs: number): Promise<boolean> {
    if (isDone()) return true
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        onChange = undefined
        resolve(isDone())
      }
      const timer = setTimeout(end, Math.min(timeoutMs, 2 ** 31 - 1))
      onChange = () => {
        if (isDone()) end()
      }
    })
  }

  const isRunning = (): boolean => [...runs].some((run) => run.isStarted || run.isSettling)

  /** What runs goes on; what waits or comes starts no more. */
  function pause(): void {
    isStopping = true
    lanes.pause()
  }

  return {
    receive,
    pause,
    get isRunning(): boolean {
      return isRunning()
    },
    /** Of the messages that have not started, how long the oldest has been here. */
    get waitedMs(): number {
      for (const run of runs) if (!run.isStarted) return Date.now() - run.receivedAt
      return 0
    },
    /**
     * Cancels the consumer, with nothing started any more. What the broker has assigned to a consumer at that moment and not
     * sent yet stays with it, unseen, and counts as delivered once the channel closes: so this is done while no slot is free, or
     * in a quiet moment.
     */
    async cancel(prefetch: number, tell: () => Promise<unknown>): Promise<void> {
      pause()
      const endsAt = Date.now() + fillMs
      arrivedAt = Date.now()
      for (let quietAt = arrivedAt + quietMs; Date.now() < Math.min(quietAt, endsAt); quietAt = arrivedAt + quietMs) {
        if (await until(() => runs.size >= prefetch, quietAt - Date.now())) break
      }
      held = []
      await tell()
      const answers = held
      held = undefined
      for (const answer of answers) answer()
    },
    /** The channel is gone: the broker hands out again what is not settled. */
    lose(reason: MqError): void {
      pause()
      const lost = [...runs]
      runs.clear()
      for (const run of lost) {
        run.copying?.abandon()
        run.abort.abort(reason)
      }
      onChange?.()
    },
    /** Once cancelled: waits for what runs, and gives back the rest, in the order in which it came. */
    async stop(timeoutMs: number): Promise<void> {
      for (const run of runs) if (!run.isStarted && !run.isSettling && !options.ordered) giveBack(run)
      if (!(await until(() => !isRunning(), timeoutMs))) {
        const stopped = new MqError('MQ_STOPPED', 'The subscription was stopped before the handler had finished')
        for (const run of runs) {
          if (!run.isStarted || run.isSettling) continue
          run.abort.abort(stopped)
          if (!options.ordered) giveBack(run)
        }
        await until(() => ![...runs].some((run) => run.isSettling), releaseGraceMs)
      }
      returnAll()
      await acknowledger.stored()
    },
  }
}

export type Session = ReturnType<typeof createSession>

interface ReplacementHistory {
  readonly attempt?: number
  readonly failure?: Failure
  readonly entryId?: string
}
