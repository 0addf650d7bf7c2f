import type { ComponentChildren } from 'preact'
import type { GroupState } from '../../broker/groups.js'
import { type ListName, listNames, listTitles } from '../../broker/lists.js'
import { linkTo } from '../../http/address.js'
import { visible } from '../../text/visible.js'
import type { Frame } from '../frame.js'
import { Unreachable } from '../health.js'
import { Failed, Name } from '../parts.js'
import { GroupFigures, GroupStateLine, ListCount } from './group-figures.js'

interface GroupProps {
  readonly frame: Frame
  readonly group: GroupState
  readonly list: ListName
  /** The points of the chart so far, as JSON. */
  readonly samples: string
  /** The result of the operation before, and the operations that run. */
  readonly notes: ComponentChildren
  /** The operations on the whole group. */
  readonly controls: ComponentChildren
  /** The list that is open. */
  readonly children: ComponentChildren
}

/** A group with its figures, its chart and one of its lists. */
export function GroupPage({ frame, group, list, samples, notes, controls, children }: GroupProps) {
  const { topic, group: name, stats } = group
  return (
    <>
      <Crumbs frame={frame} topic={topic} />
      <div class="title">
        <h1>
          <Name text={name} />
        </h1>
        <p class="lead">
          a group of <Name text={topic} />
        </p>
        <div id="state">
          <GroupStateLine group={group} now={frame.now} />
        </div>
        <div class="controls">{controls}</div>
      </div>
      {notes}
      <div id="unreachable">
        <Unreachable health={frame.health} broker={frame.broker} />
      </div>
      {stats.problem && <Failed what="The counts of the group could not be read." problem={stats.problem} />}
      <div id="figures">
        <GroupFigures group={group} />
      </div>
      <figure class="chart">
        <figcaption>The last five minutes, while somebody looks</figcaption>
        <div
          data-chart={samples}
          role="img"
          aria-label="Ready, running, retrying and dead messages over the last minutes"
        />
      </figure>
      <nav class="tabs" aria-label="Messages by state">
        {listNames.map((each) => (
          <a
            key={each}
            href={linkTo(frame.base, '/group', { topic, group: name, list: each })}
            aria-current={each === list ? 'page' : undefined}
          >
            {listTitles[each]}{' '}
            <span class="count" id={`count-${each}`}>
              <ListCount group={group} list={each} />
            </span>
          </a>
        ))}
      </nav>
      <section class="list" aria-label={`${listTitles[list]} messages`}>
        {children}
      </section>
    </>
  )
}

export const Crumbs = ({ frame, topic }: { readonly frame: Frame; readonly topic: string }) => (
  <nav class="crumbs" aria-label="Where you are">
    <a href={linkTo(frame.base, '/')}>Overview</a>
    <span aria-hidden="true">/</span>
    <a href={linkTo(frame.base, '/', { find: topic })}>{visible(topic)}</a>
  </nav>
)
