import { randomUUID } from 'node:crypto'
import { apart } from '../../apart.js'
import type { StartedBroker } from '../../brokers.js'
import { namesFor } from '../../contenders.js'
import { limitMs } from '../../measure.js'
import { medianOf } from '../../table.js'
import { processesBehind, residentMiB } from '../broker/processes.js'
import { type Part, type Setting, type Sheet, shown, withBroker } from '../part.js'
import type { Picture } from '../picture.js'
import type { Sizes } from '../sizes.js'
import type { BacklogJob, Drained } from './backlog-plan.js'

/** Measures how a backlog that grows is drained, beside the raw driver that writes the body alone. */
export const backlog: Part = { name: 'backlog', needsServer: true, measure }

interface Figures extends Drained {
  readonly system: string
  readonly messages: number
  /** Resident memory of the broker before and after the backlog was filled. */
  readonly emptyMiB: number
  readonly fullMiB: number
}

const program = new URL('./backlog-one.ts', import.meta.url)

const large = 500_000

const columns: readonly { readonly name: string; readonly digits: number; of(figures: Figures): number }[] = [
  { name: 'first message, ms', digits: 0, of: ({ firstMs }) => firstMs },
  { name: 'drain/s', digits: 0, of: ({ drainPerSecond }) => drainPerSecond },
  { name: 'client, peak MiB', digits: 0, of: ({ peakMiB }) => peakMiB },
  { name: 'broker empty, MiB', digits: 0, of: ({ emptyMiB }) => emptyMiB },
  { name: 'broker full, MiB', digits: 0, of: ({ fullMiB }) => fullMiB },
]

async function measure(setting: Setting): Promise<Sheet> {
  const { broker, sizes } = setting
  const names = namesFor(broker)
  const systems = Object.keys(names).filter((name) => name === 'ours' || name.endsWith('-body'))
  const rounds: Figures[] = []
  for (const messages of sizes.backlog) {
    for (let round = 1; round <= roundsFor(messages, sizes); round++) {
      for (const system of systems) {
        setting.print(`backlog: ${messages} messages, round ${round}, ${system}`)
        rounds.push(await withBroker(setting, (server) => fillAndDrain(setting, server, { system, messages })))
      }
    }
  }
  const median = (system: string, messages: number, of: (figures: Figures) => number): number =>
    medianOf(rounds.filter((each) => each.system === system && each.messages === messages).map(of))
  const pictures = columns.map(
    ({ name, of }): Picture => ({
      name: `backlog-${name.replace(/\W+/g, '-')}`,
      kind: 'lines',
      x: { label: 'waiting messages', isLogarithmic: true },
      y: { label: name },
      points: systems.flatMap((system) =>
        sizes.backlog.map((x) => ({ series: names[system] ?? system, x, y: median(system, x, of) })),
      ),
    }),
  )
  return {
    title: `A backlog that grows, of messages of ${sizes.bytes} bytes`,
    head: ['waiting', 'system', ...columns.map(({ name }) => name)],
    rows: sizes.backlog.flatMap((messages) =>
      systems.map((system) => [
        shown(messages),
        names[system] ?? system,
        ...columns.map(({ of, digits }) => shown(median(system, messages, of), digits)),
      ]),
    ),
    pictures,
  }
}

/** A large backlog takes minutes, so it is measured once. */
const roundsFor = (messages: number, { rounds }: Sizes): number => (messages < large ? rounds : 1)

async function fillAndDrain(
  { sizes, env }: Setting,
  { url, port }: StartedBroker,
  { system, messages }: Pick<Figures, 'system' | 'messages'>,
): Promise<Figures> {
  const topic = `backlog-${randomUUID()}`
  const run = <Result>(phase: BacklogJob['phase']): Promise<Result> => {
    const job: BacklogJob = { phase, system, url, topic, messages, bytes: sizes.bytes }
    return apart<Result>({ program, job, env, timeoutMs: 2 * limitMs(messages) })
  }
  const pids = port === undefined ? [] : await processesBehind(port)
  const emptyMiB = await residentMiB(pids)
  await run('fill')
  const fullMiB = await residentMiB(pids)
  return { system, messages, emptyMiB, fullMiB, ...(await run<Drained>('drain')) }
}
