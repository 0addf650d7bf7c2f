import { type Part, type Setting, type Sheet, shown, withBroker } from '../part.js'
import type { Picture } from '../picture.js'
import { type Shape, shapesOf } from './shapes.js'
import { type IdleFigures, idleTrial } from './trial.js'

/** Measures what subscriptions cost that have nothing to do. Each row has a broker of its own. */
export const idle: Part = { name: 'idle', needsServer: false, measure }

const columns: readonly { readonly name: string; readonly digits: number; of(figures: IdleFigures): number }[] = [
  { name: 'sockets', digits: 0, of: ({ sockets }) => sockets },
  { name: 'client, % of a core', digits: 1, of: ({ clientPercent }) => clientPercent },
  { name: 'broker, % of a core', digits: 1, of: ({ brokerPercent }) => brokerPercent },
  { name: 'commands/s, sent', digits: 0, of: ({ commands }) => commands.sent },
  { name: 'commands/s, run', digits: 0, of: ({ commands }) => commands.run },
  { name: 'subscribed, ms', digits: 0, of: ({ subscribedMs }) => subscribedMs },
  { name: 'all handled, ms', digits: 0, of: ({ handledMs }) => handledMs },
  { name: 'RSS, MiB', digits: 0, of: ({ rssMiB }) => rssMiB },
  { name: 'client, µs a delivery', digits: 0, of: ({ clientMicros }) => clientMicros },
  { name: 'broker, µs a delivery', digits: 0, of: ({ brokerMicros }) => brokerMicros },
]

async function measure(setting: Setting): Promise<Sheet> {
  const measured: { shape: Shape; figures: IdleFigures }[] = []
  for (const shape of shapesOf(setting)) {
    setting.print(`idle: ${shape.title}`)
    measured.push({ shape, figures: await withBroker(setting, (broker) => idleTrial(setting, shape, broker), true) })
  }
  return {
    title: 'Subscriptions of one process that have nothing to do',
    head: ['subscriptions', ...columns.map(({ name }) => name)],
    rows: measured.map(({ shape, figures }) => [
      shape.title,
      ...columns.map((column) => shown(column.of(figures), column.digits)),
    ]),
    pictures: columns.slice(0, 4).map((column) => pictureOf(column, measured)),
  }
}

const seriesOf = { topics: 'a topic each', groups: 'groups of one topic', spread: 'groups of a few topics' }

function pictureOf(
  { name, of }: (typeof columns)[number],
  measured: readonly { readonly shape: Shape; readonly figures: IdleFigures }[],
): Picture {
  return {
    name: `idle-${name.replace(/\W+/g, '-')}`,
    kind: 'lines',
    x: { label: 'subscriptions', isLogarithmic: true },
    y: { label: name },
    points: measured.map(({ shape, figures }) => ({
      series: seriesOf[shape.kind],
      x: shape.topics * shape.groups,
      y: of(figures),
    })),
  }
}
