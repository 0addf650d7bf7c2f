import { randomUUID } from 'node:crypto'
import { type ConsumeOptions, type Failure, type Settlement, type TargetRef, withoutStack } from '@mq/core/adapter'
import type { Channel, ConsumeMessage } from 'amqplib'
import { unreadableHeaders } from '../connection/unreadable.js'
import { type Copier, type Copy, copyProperties } from '../wire/copy.js'
import { own, textValue } from '../wire/headers.js'
import { createAcknowledger } from './acknowledger.js'
import { hasForgedDeaths } from './deaths.js'
import type { Finished } from './finished.js'
import type { Run, Runs } from './runs.js'

// See docs/decisions/0033-rabbitmq-order.md.

export interface SettlerParts {
  /** The group with its foreign place, if it has one. */
  readonly ref: TargetRef
  /** The group's own queue. */
  readonly ownQueue: string
  readonly options: ConsumeOptions
  readonly copy: Copier
  readonly finished: Finished
  /** Says whether returning a message raises its delivery count, as in brokers before 4.3. */
  readonly requeueCountsAsAttempt: boolean
}

/** The copy that takes the place of a message. */
interface Replacement extends Pick<Copy, 'queue' | 'to' | 'delayMs'> {
  readonly attempt?: number
  readonly replayId?: string
  readonly failure?: Failure
  readonly entryId?: string
  /** Leaves out the headers of the original. */
  readonly isBare?: boolean
  /** The copy is the same attempt once more, so the message is not finished with it. */
  readonly isSameAttempt?: boolean
}

/** Creates the part of a session that answers the broker. `onEnd` is called for each run that has ended. */
export function createSettler(channel: Channel, parts: SettlerParts, runs: Runs, onEnd: (run: Run) => void) {
  const { ref, options, copy, finished } = parts
  const acknowledger = createAcknowledger(channel, () => runs.oldestTag)
  /** Answers that are held back. */
  let held: (() => void)[] | undefined

  function settle(run: Run, settlement: Settlement): void {
    if (!runs.has(run) || run.isSettling || run.abort.aborted) return
    if (settlement.kind === 'done' || options.ephemeral) finish(run)
    else if (settlement.kind === 'release') giveBack(run)
    else if (settlement.kind === 'retry') {
      const { delayMs, failure } = settlement
      replace(run, { queue: 'group', delayMs, attempt: run.decoded.attempt + 1, failure }, () => refuse(run, failure))
    } else bury(run, settlement.failure)
  }

  /** Moves a message to the dead letters. Headers that exceed a frame with the stack may fit without it. */
  function bury(run: Run, failure: Failure): void {
    const letter = { queue: 'dead', delayMs: 0, entryId: randomUUID() } as const
    const leave = (): void => refuse(run, failure)
    const buryWithoutStack = (): void => replace(run, { ...letter, failure: withoutStack(failure) }, leave)
    replace(run, { ...letter, failure }, failure.error.stack === undefined ? leave : buryWithoutStack)
  }

  /** Gives a message back. If returning it would count as an attempt, a copy goes to the end of the queue instead. */
  function giveBack(run: Run): void {
    // Its owner may go on with a queue that is not ours, so its messages stay there.
    if (run.isForeign || options.ephemeral || options.ordered || !parts.requeueCountsAsAttempt) requeue(run)
    else {
      const { attempt, failure } = run.decoded
      replace(run, { queue: 'group', delayMs: 0, attempt, ...(failure && { failure }), isSameAttempt: true }, requeue)
    }
  }

  /** Puts a copy that is the same attempt at the end of the queue. */
  function renew(run: Run, ifImpossible: () => void): void {
    const { attempt, failure } = run.decoded
    const copy = { queue: 'group', delayMs: 0, attempt, ...(failure && { failure }), isSameAttempt: true } as const
    replace(run, copy, () => {
      run.isSettling = false
      ifImpossible()
    })
  }

  /** Moves a message to another queue of its group, where it is the same attempt. */
  function move(run: Run, to: string): void {
    const { attempt, failure, message } = run.decoded
    const replayId = textValue(run.delivered.properties.headers?.[own.replay])
    const same = { attempt, ...(failure && { failure }), ...(replayId !== undefined && { replayId }) }
    const now = Date.now()
    const text = `The message '${message.id}' cannot be moved to its share: the driver cannot write its headers`
    const error = { name: 'Error', message: text }
    const unwritable = { reason: 'undecodable', error, attempts: 0, firstFailedAt: now, failedAt: now } as const
    replace(run, { queue: 'group', to, delayMs: 0, ...same }, () => refuse(run, unwritable))
  }

  /** Acknowledges a message that must not run again if this acknowledgement is lost. */
  function finish(run: Run): void {
    run.isFinished = true
    finished.add(run.delivered)
    acknowledge(run)
  }

  const acknowledge = (run: Run): void => end(run, () => acknowledger.add(run.delivered))
  const requeue = (run: Run): void => nack(run, { requeue: true })
  /**
   * The broker dead-letters the message itself, with its headers as they are. It would drop a message of a queue that is not ours, and
   * fail at a forged `x-death`. These become dead letters without headers instead.
   */
  function refuse(run: Run, failure: Failure): void {
    if (!run.isForeign && !hasForgedDeaths(run.delivered, run.queue ?? parts.ownQueue)) {
      nack(run, { requeue: false })
      return
    }
    const stub = { queue: 'dead', delayMs: 0, entryId: randomUUID(), isBare: true } as const
    replace(run, { ...stub, failure: withoutStack(failure) }, () => replace(run, stub, requeue))
  }

  function nack(run: Run, { requeue }: { readonly requeue: boolean }): void {
    end(run, () => {
      acknowledger.count()
      channel.nack(run.delivered, false, requeue)
    })
  }

  /**
   * Stores a copy, then acknowledges the original. A crash in between makes a duplicate, never a loss. `instead` is called if no copy
   * can be made.
   */
  function replace(
    run: Run,
    { queue, to, delayMs, isSameAttempt, isBare, ...history }: Replacement,
    instead: (run: Run) => void,
  ): void {
    run.isSettling = true
    const { content } = run.delivered
    const original = isBare ? withoutHeaders(run.delivered) : run.delivered
    const properties = copyProperties(original, { message: run.decoded.message, ...history })
    run.copying = copy({ ref, from: 'group', queue, ...(to !== undefined && { to }), delayMs, content, properties })
    void run.copying.result.then((result) => {
      if (result === 'stored') isSameAttempt ? acknowledge(run) : finish(run)
      else if (result === 'impossible') instead(run)
      else if (result === 'deleted') run.isForeign ? requeue(run) : acknowledge(run)
    })
  }

  function end(run: Run, answer: () => void): void {
    if (held !== undefined) {
      held.push(() => end(run, answer))
      return
    }
    if (!runs.delete(run)) return
    try {
      answer()
    } catch {
      // The channel has closed: the broker delivers the message again.
    }
    onEnd(run)
  }

  return {
    settle,
    giveBack,
    renew,
    move,
    finish,
    /** Sends no answers before the work is done. */
    async holdWhile(work: () => Promise<unknown>): Promise<void> {
      held = []
      await work()
      const answers = held
      held = undefined
      for (const answer of answers) answer()
    },
    /** Returns everything that is not settled. With `ordered`, closing the channel does: only then the broker keeps the order of more than 32. */
    returnAll(): void {
      // Before the unsettled runs are cleared, as messages are acknowledged together only up to the first of them.
      acknowledger.flush()
      finished.end(runs.unfinished())
      const last = runs.clear().at(-1)
      if (last === undefined || options.ordered) return
      try {
        channel.nack(last.delivered, true, true)
      } catch {
        // The channel has closed, which returns them as well.
      }
    },
    untilStored: acknowledger.untilStored,
  }
}

const withoutHeaders = (message: ConsumeMessage): ConsumeMessage => ({
  ...message,
  properties: Object.assign({ ...message.properties, headers: {} }, { [unreadableHeaders]: undefined }),
})
