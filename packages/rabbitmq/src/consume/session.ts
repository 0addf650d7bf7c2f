import { type Handle, MqError } from '@mq/core/adapter'
import type { Channel, ConsumeMessage } from 'amqplib'
import { textOf } from '../connection/errors.js'
import { decode } from '../wire/decode.js'
import { Dispatcher } from './dispatcher.js'
import { type Origin, Run, Runs } from './runs.js'
import { createSettler, type SettlerParts } from './settler.js'

// See docs/decisions/0033-rabbitmq-order.md.

export interface SessionParts extends SettlerParts {
  readonly handle: Handle
  /** Returns how long the event loop stood still before the connection was lost the last time, if that was the reason. */
  readonly lostAfterStallMs: () => number | undefined
  /** Moves the messages to this queue of the group instead of handling them, by their key. */
  readonly moveTo?: (key: string | undefined) => string
  readonly report: (error: MqError) => void
}

const ours: Origin = { isForeign: false }

/** A stop cancels the consumer when nothing has come for this long, or all slots are taken. */
const quietMs = 30
/** A stop cancels the consumer after this time at the latest. */
const maxFillMs = 200

/**
 * A message that the broker delivers once more after this many times goes on as a copy. A policy may set a far lower delivery limit than
 * ours, and the broker also counts deliveries of messages that were never run. With `ordered` the copy would lose its place.
 */
const maxDeliveries = 3

/** How long storing the copies of returned messages may take after the end of a stop's time limit. */
const releaseGraceMs = 1_000

/**
 * Creates a session: the deliveries of one channel. Another channel does not know their delivery tags, so they are settled here or
 * not at all.
 */
export function createSession(channel: Channel, parts: SessionParts) {
  const { ref, options, handle, report, finished } = parts
  const runs = new Runs()
  const dispatcher = new Dispatcher<Run>(options, start)
  const settler = createSettler(channel, parts, runs, (run) => {
    if (run.isStarted) dispatcher.finish(run)
  })
  let isPaused = false
  let isStreamReported = false
  let arrivedAt = 0

  function receive(delivered: ConsumeMessage, source: Origin = ours): void {
    const run = runOf(delivered, source)
    const { decoded } = run
    if (isPaused) arrivedAt = performance.now()
    if (source.isForeign) reportStream(run.delivered)
    runs.add(run)
    if (finished.has(run.delivered)) settler.finish(run)
    else if (!options.ephemeral && !options.ordered && !source.isForeign && decoded.deliveryCount >= maxDeliveries)
      renew(run)
    else if (!isPaused) dispatcher.add(run)
  }

  /** A broker does not say before its first message that a queue is a stream, which forgets how far a consumer was. */
  function reportStream({ properties: { headers = {} } }: ConsumeMessage): void {
    if (isStreamReported || !('x-stream-offset' in headers)) return
    isStreamReported = true
    const text = `The queue '${String(ref.at)}' is a stream. Streams are not supported as foreign topics`
    const loss = 'a consumer that starts misses what was published before'
    report(new MqError('MQ_NOT_SUPPORTED', `${text}: ${loss}`))
  }

  /** Lets a copy with our count take the place of a message before the broker counts it to the end. If there can be none, it runs. */
  function renew(run: Run): void {
    settler.renew(run, () => {
      if (!isPaused && runs.has(run)) dispatcher.add(run)
    })
  }

  /** If a message cannot even be decoded as unreadable, its body alone goes on. It becomes a dead letter like others. */
  function runOf(delivered: ConsumeMessage, source: Origin): Run {
    const options = { countRedeliveries: !parts.options.ordered }
    try {
      return new Run(delivered, decode(delivered, ref.topic, options), source)
    } catch (cause) {
      // The driver would close the channel for an error, and this message would do the same on the next one.
      const decodeError = new MqError('MQ_UNDECODABLE', `The message cannot be read: ${textOf(cause)}`, { cause })
      const bare = withoutProperties(delivered)
      return new Run(bare, { ...decode(bare, ref.topic, options), decodeError }, source)
    }
  }

  function start(run: Run): void {
    run.isStarted = true
    // An unreadable message becomes a dead letter at once, as its copy might be readable.
    if (parts.moveTo !== undefined && run.decoded.decodeError === undefined) {
      settler.move(run, parts.moveTo(run.key))
      return
    }
    const delivery = {
      ...run.decoded,
      get signal() {
        return run.abort.signal
      },
      get stalledMs() {
        return run.delivered.fields.redelivered ? parts.lostAfterStallMs() : undefined
      },
      get aborted() {
        return run.abort.aborted
      },
    }
    void handle(delivery).then((settlement) => settler.settle(run, settlement))
  }

  /** Lets running handlers go on, and starts no more. */
  function pause(): void {
    isPaused = true
    dispatcher.pause()
  }

  return {
    receive,
    pause,
    /** Starts nothing until `resume`. What has come stays here meanwhile. */
    suspend: (): void => dispatcher.pause(),
    resume(): void {
      if (!isPaused) dispatcher.resume()
    },
    get isRunning(): boolean {
      return runs.isRunning
    },
    /** Returns how many messages of a queue are not settled. */
    heldOf: (queue: string): number => runs.sizeOf(queue),
    /** How long the oldest message that has not started has been here. 0 if there is none. */
    get waitedMs(): number {
      return runs.waitedMs
    },
    /**
     * Cancels the consumer with `cancel`, and starts nothing more. A message that the broker has assigned at that moment and not sent
     * yet is never sent, and counts as delivered once the channel closes. So it waits until no slot is free, or for a quiet moment.
     */
    async end(prefetch: number, cancel: () => Promise<unknown>): Promise<void> {
      pause()
      const endsAt = performance.now() + maxFillMs
      arrivedAt = performance.now()
      for (;;) {
        const quietAt = arrivedAt + quietMs
        const now = performance.now()
        if (now >= Math.min(quietAt, endsAt)) break
        if (await runs.until(() => runs.size >= prefetch, quietAt - now)) break
      }
      await settler.holdWhile(cancel)
    },
    /** Aborts everything because the channel is gone: the broker delivers again what is not settled. */
    lose(reason: MqError): void {
      pause()
      finished.end(runs.unfinished())
      for (const run of runs.clear()) run.abort.abort(reason)
    },
    /** Called after `end`: waits for running handlers, then returns the rest in the order in which it came. */
    async stop(timeoutMs: number): Promise<void> {
      for (const run of runs) if (!run.isStarted && !run.isSettling && !options.ordered) settler.giveBack(run)
      if (!(await runs.until(() => !runs.isRunning, timeoutMs))) {
        const stopped = new MqError('MQ_STOPPED', 'The subscription was stopped before the handler had finished')
        for (const run of runs) {
          if (!run.isStarted || run.isSettling) continue
          run.abort.abort(stopped)
          if (!options.ordered) settler.giveBack(run)
        }
        await runs.until(() => !runs.isSettling, releaseGraceMs)
      }
      settler.returnAll()
      await settler.untilStored()
    },
  }
}

export type Session = ReturnType<typeof createSession>

const withoutProperties = ({ fields, content }: ConsumeMessage): ConsumeMessage => ({
  fields,
  content,
  properties: { headers: {} } as ConsumeMessage['properties'],
})
