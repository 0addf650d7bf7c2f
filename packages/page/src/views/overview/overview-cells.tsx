import type { GroupState } from '../../broker/groups.js'
import type { Overview } from '../../broker/overview.js'
import { needsLook, troublesOf } from '../../broker/trouble.js'
import { shownCount, shownRate } from '../../text/numbers.js'
import { type Cells, cellId } from '../cells.js'
import { Figure } from '../figure.js'
import { Badge, Count, Oldest, Unknown } from '../parts.js'

/** The parts of the overview that change while it is open. */
export function overviewCells({ topics }: Overview): Cells {
  const groups = topics.flatMap((topic) => topic.groups)
  const rows = groups.flatMap((group) =>
    columns.map(({ name, cell: Cell }) => [idOf(name, group), <Cell key={name} group={group} />] as const),
  )
  return { totals: <Totals groups={groups} />, ...Object.fromEntries(rows) }
}

/** The id of a cell. */
export const idOf = (name: string, { topic, group }: GroupState): string => cellId(name, topic, group)

/** The columns of the overview, beside the names. */
export const columns = [
  { name: 'ready', title: 'Ready', cell: countCell('ready') },
  { name: 'rate', title: 'Change', cell: RateCell },
  { name: 'running', title: 'Running', cell: countCell('inFlight') },
  { name: 'retrying', title: 'Retrying', cell: countCell('retrying') },
  { name: 'delayed', title: 'Delayed', cell: countCell('delayed') },
  { name: 'dead', title: 'Dead', cell: countCell('dead') },
  { name: 'oldest', title: 'Oldest ready', cell: OldestCell },
  { name: 'consumers', title: 'Consumers', cell: ConsumersCell },
  { name: 'state', title: 'State', cell: StateCell },
] as const

interface CellProps {
  readonly group: GroupState
}

function countCell(name: 'ready' | 'inFlight' | 'retrying' | 'delayed' | 'dead') {
  return ({ group: { stats } }: CellProps) => {
    const value = stats.value?.[name]
    const kind = value === 0 ? 'zero' : name === 'dead' && value !== undefined ? 'many bad' : 'many'
    return (
      <span class={kind}>
        <Count value={value} why={stats.problem?.text} />
      </span>
    )
  }
}

function RateCell({ group: { readyRate } }: CellProps) {
  if (readyRate === undefined) return <Unknown why="It takes a few seconds of watching to know how fast this changes" />
  return <span class={Math.abs(readyRate) < 0.5 / 60 ? 'zero' : 'many'}>{shownRate(readyRate)}</span>
}

function OldestCell({ group: { stats } }: CellProps) {
  return <Oldest ms={stats.value?.oldestReadyMs} why={stats.problem?.text} />
}

function ConsumersCell({ group: { consumers } }: CellProps) {
  return <Count value={consumers} />
}

function StateCell({ group }: CellProps) {
  const troubles = troublesOf(group)
  if (troubles.length === 0) return <Badge kind="good">fine</Badge>
  return (
    <span class="badges">
      {troubles.map(({ kind, text }) => (
        <Badge key={text} kind={kind}>
          {text}
        </Badge>
      ))}
    </span>
  )
}

/** The figures of all groups of this page together. */
export function Totals({ groups }: { readonly groups: readonly GroupState[] }) {
  const sum = (name: 'ready' | 'inFlight' | 'dead'): number | undefined => {
    const values = groups.map(({ stats }) => stats.value?.[name])
    return values.some((value) => value === undefined)
      ? undefined
      : values.reduce<number>((all, one) => all + (one ?? 0), 0)
  }
  const troubled = groups.filter(needsLook).length
  return (
    <dl class="figures few">
      <Figure title="Ready" value={<Count value={sum('ready')} why="A group does not say" />} />
      <Figure title="Running" value={<Count value={sum('inFlight')} why="A group does not say" />} />
      <Figure
        title="Dead"
        kind={sum('dead') === 0 ? '' : 'bad'}
        value={<Count value={sum('dead')} why="A group does not say" />}
      />
      <Figure title="Groups that need a look" kind={troubled === 0 ? '' : 'warn'} value={shownCount(troubled)} />
    </dl>
  )
}
