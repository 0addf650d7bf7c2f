import type { TopicState } from '../../broker/overview.js'
import { linkTo } from '../../http/address.js'
import { visible } from '../../text/visible.js'
import type { Frame } from '../frame.js'
import { Name } from '../parts.js'
import { columns, idOf } from './overview-cells.js'

/** Lists topics with their groups. */
export const TopicsTable = ({ frame, topics }: { readonly frame: Frame; readonly topics: readonly TopicState[] }) => (
  <div class="scroll">
    <table class="groups stacks">
      <caption class="unseen">Topics and their groups</caption>
      <thead>
        <tr>
          <th scope="col">Topic and group</th>
          {columns.map(({ name, title }) => (
            <th key={name} scope="col" class={name === 'state' ? '' : 'number'}>
              {title}
            </th>
          ))}
        </tr>
      </thead>
      {topics.map((topic) => (
        <Topic key={topic.topic} frame={frame} topic={topic} />
      ))}
    </table>
  </div>
)

function Topic({ frame, topic: { topic, groups, problem } }: { readonly frame: Frame; readonly topic: TopicState }) {
  return (
    <tbody>
      {groups.map((group) => (
        <tr key={group.group}>
          <th scope="row">
            <a class="group" href={linkTo(frame.base, '/group', { topic, group: group.group })}>
              <span class="topic">{visible(topic)}</span>
              <Name text={group.group} />
            </a>
          </th>
          {columns.map(({ name, title, cell: Cell }) => (
            <td key={name} id={idOf(name, group)} class={name === 'state' ? 'state' : 'number'} data-title={title}>
              <Cell group={group} />
            </td>
          ))}
        </tr>
      ))}
      {groups.length > 0 && problem === undefined ? null : (
        <tr>
          <th scope="row">
            <span class="group">
              <span class="topic">{visible(topic)}</span>
            </span>
          </th>
          <td class="rest" colspan={columns.length}>
            {problem?.text ?? 'no group'}
          </td>
        </tr>
      )}
    </tbody>
  )
}
