import { backoff, type MqError } from '@mq/core/adapter'
import { type CommandError, commandError, operationError, willPass } from '../connection/errors.js'
import type { Link } from '../connection/link.js'

export interface LoopParts {
  readonly link: Link
  readonly hasRoom: () => boolean
  readonly waitForRoom: () => Promise<void>
  /** Does one round. Rejects with a `CommandError`. */
  readonly step: () => Promise<void>
  /** Called after a round that failed. Resolves with true if the next round may follow at once. */
  readonly recover: (error: CommandError) => Promise<boolean>
  readonly onError: (error: MqError) => void
}

const minPauseMs = 20
const maxPauseMs = 2_000
/** A round that takes longer than this hangs: each command in it has a shorter time limit. */
const stalledMs = 15_000

/** Repeats `step` until it is stopped, even if rounds fail. */
export function superviseLoop({ link, hasRoom, waitForRoom, step, recover, onError }: LoopParts) {
  let isStopping = false
  let isHealthy = true
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

  async function run(): Promise<void> {
    const pauses = backoff({ minMs: minPauseMs, maxMs: maxPauseMs })
    let lastReported = ''
    while (!isStopping) {
      lastRoundAt = performance.now()
      if (!hasRoom()) {
        await waitForRoom()
        continue
      }
      try {
        if (!link.isUp) {
          isHealthy = false
          await link.whenUp(maxPauseMs)
          continue
        }
        await step()
        if (isHealthy) continue
        isHealthy = true
        pauses.reset()
        lastReported = ''
      } catch (error) {
        isHealthy = false
        const failed = commandError(error)
        const mayContinue = await recover(failed).catch(() => false)
        if (!mayContinue && failed.kind === 'refused' && !willPass(failed) && lastReported !== failed.message) {
          lastReported = failed.message
          onError(operationError('Consuming', failed))
        }
        if (mayContinue || isStopping) continue
        await pause(pauses.next())
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
