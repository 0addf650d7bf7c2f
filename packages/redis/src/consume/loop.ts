import { backoff, MqError } from '@mq/core/adapter'
import { CommandError, commandError, operationError, willPass } from '../connection/errors.js'
import type { Link } from '../connection/link.js'
import type { Room } from './runs.js'

/** Work beside the messages, which is done before a round. */
export interface Upkeep {
  /** When there is something to do, by `performance.now`. */
  readonly dueAt: number
  /** Adds the name of each step before it takes it. Rejects with a `CommandError`. */
  run(steps: string[]): Promise<void>
}

export interface LoopParts<Received> {
  readonly link: Link
  /** There is no round while nothing is free. */
  readonly room: Room
  readonly intake: {
    /** Gets what is to be accepted next, and adds the name of each step before it takes it. Rejects with a `CommandError`. */
    next(steps: string[]): Promise<Received>
  }
  readonly accept: (received: Received) => void
  readonly upkeep?: Upkeep
  /** Called after a round that failed. Resolves with true if the next round may follow at once. */
  readonly recover: (error: CommandError) => Promise<boolean>
  readonly onError: (error: MqError) => void
}

/** How long a wait for room may take until the loop looks whether it was stopped. */
const maxRoomMs = 1_000
const minPauseMs = 20
const maxPauseMs = 2_000
/** A round that takes longer than this hangs: each command in it has a shorter time limit. */
const stalledMs = 15_000

/** Something that fails. */
interface Failing {
  readonly nextPauseMs: () => number
  /** The error that was reported last. */
  reported: string
}

/** Names all failures that have nothing to do with what was asked for. They are over as soon as anything succeeds. */
const connection = 'connection'

/**
 * Gets and accepts messages until it is stopped, even if rounds fail. The pauses become longer, and an error is reported once, until the very thing
 * that failed has succeeded.
 */
export function superviseLoop<Received>(parts: LoopParts<Received>) {
  const { link, room, intake, accept, upkeep, recover, onError } = parts
  let isStopping = false
  let isHealthy = true
  const failing = new Map<string, Failing>()
  let lastRoundAt = performance.now()
  let endPause: (() => void) | undefined

  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      endPause = () => {
        clearTimeout(timer)
        resolve()
      }
    })

  function failureOf(what: string): Failing {
    const known = failing.get(what)
    if (known !== undefined) return known
    const pauses = backoff({ minMs: minPauseMs, maxMs: maxPauseMs })
    const found = { nextPauseMs: () => pauses.next(), reported: '' }
    failing.set(what, found)
    return found
  }

  async function run(): Promise<void> {
    while (!isStopping) {
      lastRoundAt = performance.now()
      if (room.free <= 0) {
        await room.changed(maxRoomMs)
        continue
      }
      const steps: string[] = []
      try {
        if (!link.isUp) {
          isHealthy = false
          await link.whenUp(maxPauseMs)
          continue
        }
        if (upkeep !== undefined && lastRoundAt >= upkeep.dueAt) await upkeep.run(steps)
        const received = await intake.next(steps)
        steps.push('accepting')
        accept(received)
        steps.push(connection)
        for (const step of steps) failing.delete(step)
        isHealthy = failing.size === 0
      } catch (error) {
        isHealthy = false
        const current = steps.pop()
        for (const step of steps) failing.delete(step)
        const failed = commandError(error)
        const mayContinue = await recover(failed).catch(() => false)
        if (mayContinue) continue
        const lasting = lastingError(error)
        const found = failureOf(lasting === undefined || current === undefined ? connection : current)
        if (lasting !== undefined && found.reported !== lasting.message) {
          found.reported = lasting.message
          onError(lasting)
        }
        if (!isStopping) await pause(found.nextPauseMs())
      }
    }
  }

  return {
    ended: run(),
    /** Makes the current round the last one. */
    stop(): void {
      isStopping = true
      endPause?.()
    },
    isRunning: (): boolean => isHealthy && performance.now() - lastRoundAt < stalledMs,
  }
}

/** Returns the error to report, or undefined if it will pass with the state of the connection. */
function lastingError(error: unknown): MqError | undefined {
  if (error instanceof CommandError) {
    return error.kind === 'refused' && !willPass(error) ? operationError('Consuming', error) : undefined
  }
  if (error instanceof MqError) return error
  return new MqError('MQ_OPERATION_FAILED', `Consuming failed: ${(error as Error).message}`, { cause: error })
}
