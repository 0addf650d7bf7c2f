import { fileURLToPath } from 'node:url'
import { type Child, child } from '@mq/test-brokers'
import type { Figures, Job, Order, Said } from './plan.js'

/** A process of the soak, with its reports as they come. */
export interface Worker {
  /** Returns the reports since the last call. */
  news(): readonly Said[]
  send(order: Order): void
  /** Sends the order, and resolves with the figures that answer it. */
  ask(order: 'measure' | 'leave'): Promise<Figures>
  /** Resident when it had just begun. */
  readonly restMiB: number
  kill(): Promise<unknown>
}

const childUrl = new URL('./child.ts', import.meta.url)
const answerMs = 30_000

export async function startWorker(job: Job): Promise<Worker> {
  // This configuration has no paths to the sources, so the soak runs the built packages.
  const env = {
    NODE_OPTIONS: '--expose-gc',
    TSX_TSCONFIG_PATH: fileURLToPath(new URL('../../tsconfig.json', import.meta.url)),
  }
  const started: Child<Said> = await child<Said>(childUrl, { args: [JSON.stringify(job)], env })
  const isReady = ({ state }: Said): boolean => state === 'ready'
  const said = await started.waitFor((all) => all.some(isReady), {
    what: 'a process of the soak to be ready',
    timeoutMs: 60_000,
  })
  let heard = 0
  return {
    restMiB: said.find(isReady)?.residentMiB ?? Number.NaN,
    news() {
      const all = started.reported().slice(heard)
      heard += all.length
      return all
    },
    send: (order) => started.send(order),
    async ask(order) {
      const before = started.reported().length
      started.send(order)
      const hasFigures = ({ figures }: Said): boolean => figures !== undefined
      const all = await started.waitFor((reports) => reports.slice(before).some(hasFigures), {
        what: `its figures after '${order}'`,
        timeoutMs: answerMs,
      })
      return all.slice(before).find(hasFigures)?.figures ?? { heapMiB: Number.NaN, sockets: Number.NaN }
    },
    kill: () => started.kill(),
  }
}
