import type { Handle } from '@mq/core/adapter'
import type { Link } from '../connection/link.js'
import { settledWithin } from '../connection/waiters.js'
import type { Received } from '../wire/entry.js'
import type { Gate } from './gate.js'
import { type OnLoss, stoppedError } from './running-consumer.js'
import type { Runs } from './runs.js'
import type { Settler } from './settler.js'

export interface DeliveriesParts {
  readonly runs: Runs
  /** Says whether the group is paused. Messages that arrive meanwhile are given back without having been started. */
  readonly gate: Pick<Gate, 'paused'>
  readonly settler: Settler
  readonly commands: Link
  readonly handle: Handle
  readonly onLoss: OnLoss
}

/** How long a stop may take to give messages back. */
const releaseMs = 1_000

/** The beginning of a stream. */
const beginning = '0-0'

/** Hands the messages of a group to the handler, and passes on to the settler what becomes of them. */
export function createDeliveries({ runs, gate, settler, commands, handle, onLoss }: DeliveriesParts) {
  let lastId = beginning
  let isStopping = false

  return {
    /** The latest entry of the topic's stream that this consumer received. */
    get lastId(): string {
      return lastId
    },
    /** Forgets the latest entry, because the group was created again. */
    startOver(): void {
      lastId = beginning
    },
    accept({ owned, gone, emptied }: Received): void {
      if (gone.length > 0) onLoss('entries', gone.length)
      if (emptied > 0) onLoss('fields', emptied)
      for (const one of owned) {
        if (one.kind === 'm') lastId = one.id
        const run = runs.begin(one)
        if (isStopping || gate.paused !== undefined) settler.settle(run, { kind: 'release' })
        else void handle(run).then((settlement) => settler.settle(run, settlement))
      }
    },
    /** Messages that arrive from now on are given back without having been started. */
    beginStop(): void {
      isStopping = true
    },
    /** Waits for the handlers, but no longer than the time given. Then aborts the rest and gives their messages back. */
    async end(timeoutMs: number): Promise<void> {
      await runs.idle(timeoutMs)
      const left = runs.all
      const reason = stoppedError()
      for (const run of left) runs.lose(run, reason)
      if (left.length === 0 || !commands.isUp) return
      await settledWithin(Promise.allSettled(left.map((run) => settler.release(run))), releaseMs)
    },
  }
}
