import type { Capabilities } from '@mq/core'
import type { Overview, TopicState } from '../../broker/overview.js'
import { linkTo } from '../../http/address.js'
import { counted } from '../../text/numbers.js'
import { visible } from '../../text/visible.js'
import type { Frame } from '../frame.js'
import { Unreachable } from '../health.js'
import { Failed, Notice } from '../parts.js'
import { Totals } from './overview-cells.js'
import { TopicsTable } from './topics-table.js'

interface OverviewProps {
  readonly frame: Frame
  readonly overview: Overview
  readonly capabilities: Capabilities
}

/** All topics with their groups. */
export function OverviewPage({ frame, overview, capabilities }: OverviewProps) {
  const { topics, problem, total, isWhole } = overview
  const isPassing = ({ groups, ephemeralGroups }: TopicState): boolean => groups.length === 0 && ephemeralGroups > 0
  const [passing, lasting] = [topics.filter(isPassing), topics.filter((topic) => !isPassing(topic))]
  return (
    <>
      <div class="title">
        <h1>Overview</h1>
        <p class="lead">
          {counted(total, 'topic')}
          {overview.find === '' ? '' : ' found'}
          {overview.pages > 1 ? `, page ${overview.page} of ${overview.pages}` : ''}
        </p>
      </div>
      <div id="unreachable">
        <Unreachable health={frame.health} broker={frame.broker} />
      </div>
      {problem && <Failed what="The topics could not be listed." problem={problem} />}
      {!capabilities.listsTopics && <NoTopics frame={frame} refusal={overview.refusal} />}
      {capabilities.listsTopics && !isWhole && problem === undefined && (
        <Notice>There are more topics than the 10,000 that are looked at.</Notice>
      )}
      {!capabilities.listsGroups && (
        <Notice>{`The adapter ${visible(frame.broker)} cannot list groups (listsGroups). Those that this process consumes are shown.`}</Notice>
      )}
      <div id="totals">
        <Totals groups={topics.flatMap(({ groups }) => groups)} />
      </div>
      <Find frame={frame} find={overview.find} />
      {topics.length === 0 ? <Nothing find={overview.find} /> : <TopicsTable frame={frame} topics={lasting} />}
      {passing.length > 0 && (
        <p class="hint below">{`Temporary groups alone: ${passing.map(({ topic }) => visible(topic)).join(', ')}`}</p>
      )}
      <Pages frame={frame} overview={overview} />
    </>
  )
}

const Nothing = ({ find }: { readonly find: string }) => (
  <p class="empty">{find === '' ? 'No topic is known yet.' : `No topic has “${visible(find)}” in its name.`}</p>
)

const NoTopics = ({ frame, refusal }: { readonly frame: Frame; readonly refusal: Overview['refusal'] }) => (
  <Notice>
    <p>{`The adapter ${visible(frame.broker)} cannot list topics (listsTopics).`}</p>
    {refusal && <p class="why">{refusal.text}</p>}
    <p>Those that this process consumes are shown. Open any other by its name:</p>
    <form class="row" action={linkTo(frame.base, '/group')}>
      <label>
        Topic <input name="topic" required maxlength={300} />
      </label>
      <label>
        Group <input name="group" required maxlength={300} />
      </label>
      <button type="submit">Open</button>
    </form>
  </Notice>
)

const Find = ({ frame, find }: { readonly frame: Frame; readonly find: string }) => (
  <search>
    <form class="row find" action={linkTo(frame.base, '/')}>
      <label>
        <span class="label">Find a topic</span>
        <input type="search" name="find" value={find} maxlength={200} data-key="/" placeholder="a part of its name" />
      </label>
      <button type="submit">Find</button>
      {find === '' ? null : <a href={linkTo(frame.base, '/')}>Show all</a>}
    </form>
  </search>
)

function Pages({ frame, overview: { page, pages, find } }: { readonly frame: Frame; readonly overview: Overview }) {
  if (pages === 1) return null
  const to = (target: number): string =>
    linkTo(frame.base, '/', { page: String(target), find: find === '' ? undefined : find })
  return (
    <nav class="pages" aria-label="Pages of topics">
      {page > 1 && (
        <a href={to(page - 1)} rel="prev">
          ← Previous
        </a>
      )}
      <span>{`Page ${page} of ${pages}`}</span>
      {page < pages && (
        <a href={to(page + 1)} rel="next">
          Next →
        </a>
      )}
    </nav>
  )
}
