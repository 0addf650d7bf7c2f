import type { Capabilities, MessageState } from '@mq/core'
import type { Place } from '../../broker/entries.js'
import { listTitles } from '../../broker/lists.js'
import type { Reading } from '../../broker/reads.js'
import type { WaitingPage, WaitingQuery } from '../../broker/waiting.js'
import { linkTo } from '../../http/address.js'
import { counted, shownCount } from '../../text/numbers.js'
import { visible } from '../../text/visible.js'
import { PlaceFields, Token } from '../form-fields.js'
import { type Frame, may } from '../frame.js'
import { Failed, Notice } from '../parts.js'
import { EntryTable } from './entry-table.js'

interface WaitingListProps {
  readonly frame: Frame
  readonly place: Place
  readonly query: WaitingQuery
  readonly reading: Reading<WaitingPage>
  readonly capabilities: Capabilities
}

/** The messages of a group that are ready, running, retrying or delayed. */
export function WaitingList({ frame, place, query, reading, capabilities }: WaitingListProps) {
  const { state } = query
  const needed = state === 'inFlight' ? 'listsInFlight' : 'listsWaiting'
  if (!capabilities[needed]) return <CannotList frame={frame} state={state} capability={needed} />
  const { value, problem } = reading
  if (value === undefined) return <Failed what="The messages could not be listed." problem={problem} />
  const page = { after: query.after, text: query.text === '' ? undefined : query.text }
  const canRemove = capabilities.removesWaiting && may(frame, 'remove') && state !== 'inFlight'
  const canRun = capabilities.runsNow && may(frame, 'runNow') && (state === 'delayed' || state === 'retrying')
  return (
    <>
      <Search frame={frame} place={place} query={query} looked={value.looked} />
      {value.entries.length === 0 ? (
        <p class="empty">{emptyText(query, value)}</p>
      ) : (
        <form method="post" action={linkTo(frame.base, '/remove')} data-choosing>
          <PlaceFields place={place} list={state} />
          <Token frame={frame} />
          {(canRemove || canRun) && (
            <div class="bar">
              <span class="chosen" data-chosen aria-live="polite">
                Choose messages for an operation
              </span>
              {canRun && (
                <button type="submit" formaction={linkTo(frame.base, '/run-now')}>
                  Run now
                </button>
              )}
              {canRemove && (
                <button type="submit" class="bad" formaction={linkTo(frame.base, '/remove')}>
                  Remove …
                </button>
              )}
            </div>
          )}
          <EntryTable
            frame={frame}
            place={place}
            list={state}
            entries={value.entries}
            page={page}
            isChoosable={canRemove || canRun}
          />
        </form>
      )}
      <Unable frame={frame} state={state} capabilities={capabilities} />
      {(query.after !== undefined || value.next !== undefined) && (
        <nav class="pages" aria-label="Pages of messages">
          {query.after !== undefined && (
            <a href={linkTo(frame.base, '/group', { ...place, list: state, text: page.text })}>← First page</a>
          )}
          {value.next !== undefined && (
            <a href={linkTo(frame.base, '/group', { ...place, list: state, ...page, after: value.next })} rel="next">
              {query.text === '' ? 'Next →' : 'Look further →'}
            </a>
          )}
        </nav>
      )}
    </>
  )
}

const emptyText = ({ state, text }: WaitingQuery, { looked, next }: WaitingPage): string => {
  if (text === '') return `No message is ${listTitles[state].toLowerCase()}.`
  const rest = next === undefined ? '' : ', and there are more'
  return `None of the ${counted(looked, 'message')} that were looked at has “${visible(text)}”${rest}.`
}

const CannotList = ({
  frame,
  state,
  capability,
}: {
  readonly frame: Frame
  readonly state: MessageState
  readonly capability: string
}) => (
  <Notice>
    {`The adapter ${visible(frame.broker)} cannot list messages that are ${listTitles[state].toLowerCase()} (${capability}). Their number is above, if the broker says it.`}
  </Notice>
)

function Search({
  frame,
  place,
  query,
  looked,
}: Pick<WaitingListProps, 'frame' | 'place' | 'query'> & { readonly looked: number }) {
  return (
    <search>
      <form class="row find" action={linkTo(frame.base, '/group')}>
        <PlaceFields place={place} list={query.state} />
        <label>
          <span class="label">Search in these messages</span>
          <input
            type="search"
            name="text"
            value={query.text}
            maxlength={200}
            data-key="/"
            placeholder="id, key, data or error"
          />
        </label>
        <button type="submit">Search</button>
        {query.text === '' ? null : (
          <>
            <span class="hint">{`${shownCount(looked)} looked at`}</span>
            <a href={linkTo(frame.base, '/group', { ...place, list: query.state })}>Show all</a>
          </>
        )}
      </form>
    </search>
  )
}

/** Says by name what this broker cannot do, for somebody who may do it. */
function Unable({
  frame,
  state,
  capabilities,
}: {
  readonly frame: Frame
  readonly state: MessageState
  readonly capabilities: Capabilities
}) {
  const missing = [
    may(frame, 'remove') &&
      state !== 'inFlight' &&
      !capabilities.removesWaiting &&
      'remove single messages (removesWaiting)',
    may(frame, 'runNow') &&
      (state === 'delayed' || state === 'retrying') &&
      !capabilities.runsNow &&
      'run a message before it is due (runsNow)',
  ].filter((text) => text !== false)
  return missing.length === 0 ? null : (
    <p class="hint">{`The adapter ${visible(frame.broker)} cannot ${missing.join(', nor ')}.`}</p>
  )
}
