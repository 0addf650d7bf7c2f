import { randomUUID } from 'node:crypto'
import { apart } from './apart.js'
import { type Figures, limitMs, type Workload } from './measure.js'

export interface Round {
  readonly system: string
  readonly figures: Figures
}

const program = new URL('./one.ts', import.meta.url)

export interface RoundsOptions {
  /** The contenders, by the names of their files. */
  readonly systems: readonly string[]
  readonly url: string
  readonly rounds: number
  readonly work: Workload
  readonly onRound: (round: Round, number: number) => void
  /** The environment of the processes. Default: that of the built packages. */
  readonly env?: Readonly<Record<string, string>>
}

/** Measures the contenders in turn. Each round begins with another one, so that other load on the machine affects all of them alike. */
export async function runRounds(options: RoundsOptions): Promise<readonly Round[]> {
  const { systems, url, rounds, work, onRound, env } = options
  // Four phases, each with its own limit.
  const timeoutMs = 4 * limitMs(work.messages)
  const results: Round[] = []
  for (let number = 0; number < rounds; number++) {
    for (let turn = 0; turn < systems.length; turn++) {
      const system = systems[(number + turn) % systems.length] as string
      const job = { system, url, topic: `bench-${randomUUID()}`, work }
      const round = { system, figures: await apart<Figures>({ program, job, timeoutMs, ...(env && { env }) }) }
      results.push(round)
      onRound(round, number + 1)
    }
  }
  return results
}
