import type { GroupState } from '../../broker/groups.js'
import { type ListName, listNames } from '../../broker/lists.js'
import { troublesOf } from '../../broker/trouble.js'
import { shownRate } from '../../text/numbers.js'
import { visible } from '../../text/visible.js'
import type { Cells } from '../cells.js'
import { Figure } from '../figure.js'
import { Badge, Count, Moment, Oldest, Unknown } from '../parts.js'

/** The parts of a group's page that change while it is open. */
export const groupCells = (group: GroupState, now: number): Cells => ({
  state: <GroupStateLine group={group} now={now} />,
  figures: <GroupFigures group={group} />,
  ...Object.fromEntries(listNames.map((list) => [`count-${list}`, <ListCount key={list} group={group} list={list} />])),
})

/** The figures of a group. */
export function GroupFigures({ group: { stats, consumers, readyRate } }: { readonly group: GroupState }) {
  const { value, problem } = stats
  const why = problem?.text
  const count = (list: ListName) => <Count value={value?.[list]} why={why} />
  const rate = readyRate === undefined ? <Unknown why="It takes a few seconds of watching" /> : shownRate(readyRate)
  return (
    <dl class="figures">
      <Figure title="Ready" value={count('ready')} />
      <Figure title="Change of ready" value={rate} />
      <Figure title="Oldest ready" value={<Oldest ms={value?.oldestReadyMs} why={why} />} />
      <Figure title="Running" value={count('inFlight')} />
      <Figure title="Retrying" value={count('retrying')} />
      <Figure title="Delayed" value={count('delayed')} />
      <Figure title="Dead" kind={(value?.dead ?? 0) > 0 ? 'bad' : ''} value={count('dead')} />
      <Figure title="Oldest dead" value={<Oldest ms={value?.oldestDeadMs} why={why} />} />
      <Figure title="Consumers" kind={consumers === 0 ? 'warn' : ''} value={<Count value={consumers} />} />
    </dl>
  )
}

/** Says in words how the group is. */
export function GroupStateLine({ group, now }: { readonly group: GroupState; readonly now: number }) {
  const paused = group.stats.value?.paused
  const troubles = troublesOf(group).filter(({ text }) => text !== 'paused')
  return (
    <span class="badges">
      {paused === undefined ? null : (
        <Badge kind="warn">
          paused <Moment at={paused.since} now={now} /> by {visible(paused.by)}
        </Badge>
      )}
      {troubles.map(({ kind, text }) => (
        <Badge key={text} kind={kind}>
          {text}
        </Badge>
      ))}
      {troubles.length === 0 && paused === undefined ? <Badge kind="good">fine</Badge> : null}
      {group.isEphemeral ? <Badge kind="plain">temporary group</Badge> : null}
    </span>
  )
}

export const ListCount = ({ group: { stats }, list }: { readonly group: GroupState; readonly list: ListName }) => (
  <Count value={stats.value?.[list]} why={stats.problem?.text} />
)
