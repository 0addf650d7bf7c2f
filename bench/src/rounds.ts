import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { type Broker, namesFor } from './contenders.js'
import type { Figures, Workload } from './measure.js'

export interface Round {
  readonly system: string
  readonly figures: Figures
}

const one = fileURLToPath(new URL('./one.ts', import.meta.url))
const roundMs = 300_000

export interface RoundsOptions {
  readonly broker: Broker
  readonly url: string
  readonly rounds: number
  readonly work: Workload
  readonly onRound: (round: Round, number: number) => void
}

/** Measures the contenders in turn. Each round begins with another one, so that other load on the machine affects all of them alike. */
export async function runRounds({ broker, url, rounds, work, onRound }: RoundsOptions): Promise<readonly Round[]> {
  const systems = Object.keys(namesFor(broker))
  const results: Round[] = []
  for (let number = 0; number < rounds; number++) {
    for (let turn = 0; turn < systems.length; turn++) {
      const system = systems[(number + turn) % systems.length] as string
      const round = { system, figures: await measureApart({ system, url, topic: `bench-${randomUUID()}`, work }) }
      results.push(round)
      onRound(round, number + 1)
    }
  }
  return results
}

function measureApart(job: object): Promise<Figures> {
  return new Promise((resolve, reject) => {
    const args = [...process.execArgv, one, JSON.stringify(job)]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], timeout: roundMs })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    child.once('error', reject)
    child.once('close', (code, signal) => {
      const last = output.trim().split('\n').at(-1) ?? ''
      if (code === 0) resolve(JSON.parse(last) as Figures)
      else reject(new Error(`The measurement ended with ${signal ?? code}:\n${output}`))
    })
  })
}
