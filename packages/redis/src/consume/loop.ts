import type { MqError } from '@mq/core/adapter'
import { type CommandError, commandError, operationError, willPass } from '../connection/errors.js'
import type { Link } from '../connection/link.js'

export interface LoopParts {
  readonly link: Link
  readonly hasRoom: () => boolean
  readonly waitForRoom: () => Promise<void>
  /** One round. Rejects with a `CommandError`. */
  readonly step: () => Promise<void>
  /** After a round that failed. Resolves with true when the next one may follow at once. */
  readonly recover: (error: CommandError) => Promise<boolean>
  readonly onError: (error: MqError) => void
}

const longestPauseMs = 2_000
/** A round that takes longer than this hangs: every command in it has a shorter deadline. */
const stalledMs = 15_000

/** Repeats `step` until it is stopped, whatever fails meanwhile. */
export function superviseLoop({ link, hasRoom, waitForRoom, step, recover, onError }: LoopParts) {
  let isStopping = false
  let isHealthy = true
  let lastRoundAt = performance.now()
  let wake: (() => void) | undefined

  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })

  async function run(): Promise<void> {
    let pauseMs = 20
    let told = ''
    while (!isStopping) {
      lastRoundAt = performance.now()
      if (!hasRoom()) {
        await waitForRoom()
        continue
      }
      try {
        if (!link.isUp) {
          isHealthy = false
          await link.whenUp(longestPauseMs)
          continue
        }
        await step()
        isHealthy = true
        pauseMs = 20
        told = ''
      } catch (error) {
        isHealthy = false
        const failed = commandError(error)
        const mayGoOn = await recover(failed).catch(() => false)
        if (!mayGoOn && failed.kind === 'refused' && !willPass(failed) && told !== failed.message) {
          told = failed.message
          onError(operationError('Consuming', failed))
        }
        if (mayGoOn || isStopping) continue
        await pause(pauseMs)
        pauseMs = Math.min(2 * pauseMs, longestPauseMs)
      }
    }
  }

  return {
    ended: run(),
    /** The round that is under way is the last. */
    stop(): void {
      isStopping = true
      wake?.()
    },
    isRunning: (): boolean => isHealthy && performance.now() - lastRoundAt < stalledMs,
  }
}
