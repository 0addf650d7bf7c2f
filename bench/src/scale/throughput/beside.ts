import { namesFor } from '../../contenders.js'
import type { Figures, Workload } from '../../measure.js'
import type { Round } from '../../rounds.js'
import { head, rows } from '../../table.js'
import type { Part, Setting, Sheet } from '../part.js'
import type { Picture } from '../picture.js'
import { medianIn, roundsOf } from './rounds.js'
import { workOf } from './work.js'

const latencyMs = 5_000

/** Measures throughput and latency beside the raw drivers and the peers. */
export const throughput: Part = {
  name: 'throughput',
  needsServer: false,
  async measure(setting) {
    const work = workOf(setting.sizes, { latencyMs: Math.min(latencyMs, setting.sizes.window * 1_000) })
    const rounds = await roundsOf(setting, 'throughput', work)
    return {
      title: `${work.messages} messages of ${work.bytes} bytes, ${work.inFlight} in flight`,
      head,
      rows: rows(namesFor(setting.broker), rounds),
      pictures: [],
    }
  },
}

/** Measures the same with bodies of several sizes. */
export const bodies: Part = {
  name: 'bodies',
  needsServer: false,
  measure: (setting) =>
    several(setting, {
      name: 'bodies',
      title: 'Bodies of several sizes',
      label: 'bytes of a body',
      // In messages a second, nothing would be seen of the large ones.
      drawn: { unit: 'MiB/s', of: (perSecond, bytes) => (perSecond * bytes) / 2 ** 20 },
      works: setting.sizes.bodies.map((bytes) => [bytes, workOf(setting.sizes, { bytes })]),
    }),
}

/** Measures the same with few and with many messages in flight. */
export const inFlight: Part = {
  name: 'in-flight',
  needsServer: false,
  measure: (setting) =>
    several(setting, {
      name: 'in-flight',
      title: 'Few and many messages in flight',
      label: 'messages in flight',
      drawn: { unit: 'messages/s', of: (perSecond) => perSecond },
      works: setting.sizes['in-flight'].map((count) => [count, workOf(setting.sizes, { inFlight: count })]),
    }),
}

interface Several {
  readonly name: string
  readonly title: string
  readonly label: string
  /** The unit and the size of a rate in the pictures. */
  readonly drawn: { readonly unit: string; readonly of: (perSecond: number, value: number) => number }
  readonly works: readonly (readonly [value: number, work: Workload])[]
}

async function several(setting: Setting, { name, title, label, drawn, works }: Several): Promise<Sheet> {
  const names = namesFor(setting.broker)
  const measured: { value: number; work: Workload; rounds: readonly Round[] }[] = []
  for (const [value, work] of works) {
    measured.push({ value, work, rounds: await roundsOf(setting, `${name} ${value}`, work) })
  }
  const picture = (phase: string, of: (figures: Figures) => number): Picture => ({
    name: `${name}-${phase}`,
    kind: 'bars',
    x: { label },
    y: { label: `${phase}, ${drawn.unit}` },
    points: Object.entries(names).flatMap(([system, series]) =>
      measured.map(({ value, rounds }) => ({ series, x: value, y: drawn.of(medianIn(rounds, system, of), value) })),
    ),
  })
  return {
    title,
    head: [label, 'in flight', 'messages', ...head],
    rows: measured.flatMap(({ value, work, rounds }) =>
      rows(names, rounds).map((row) => [...[value, work.inFlight, work.messages].map((each) => `${each}`), ...row]),
    ),
    pictures: [
      picture('publish', ({ publishPerSecond }) => publishPerSecond),
      picture('drain', ({ drainPerSecond }) => drainPerSecond),
    ],
  }
}
