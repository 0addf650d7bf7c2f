import type { Place } from '../../broker/entries.js'
import type { LetterFilter } from '../../broker/letter-filter.js'
import { type LetterPage, maxLooked, maxPages } from '../../broker/letters.js'
import type { Reading } from '../../broker/reads.js'
import { linkTo } from '../../http/address.js'
import { shownCount } from '../../text/numbers.js'
import { PlaceFields, Token } from '../form-fields.js'
import { type Frame, may } from '../frame.js'
import { Failed, Notice } from '../parts.js'
import { EntryTable } from './entry-table.js'
import { LetterFilterForm } from './letter-filter-form.js'

interface LetterListProps {
  readonly frame: Frame
  readonly place: Place
  readonly filter: LetterFilter
  readonly reading: Reading<LetterPage>
}

/** The dead letters of a group, the oldest first. */
export function LetterList({ frame, place, filter, reading }: LetterListProps) {
  const { value, problem } = reading
  const [canReplay, canPurge] = [may(frame, 'replay'), may(frame, 'purge')]
  const entries = value?.entries ?? []
  return (
    <>
      <LetterFilterForm frame={frame} place={place} filter={filter} />
      {problem && <Failed what="The dead letters could not be listed." problem={problem} />}
      {value?.isWhole === false && (
        <Notice>{`Only the oldest ${shownCount(maxLooked)} dead letters were looked at. Others may match too.`}</Notice>
      )}
      {value !== undefined && entries.length === 0 && (
        <p class="empty">{filter.isEmpty ? 'No message has died.' : 'No dead letter matches.'}</p>
      )}
      {entries.length > 0 && (
        <form method="post" action={linkTo(frame.base, '/replay')} data-choosing>
          <PlaceFields place={place} list="dead" />
          <Token frame={frame} />
          {(canReplay || canPurge) && (
            <Bar frame={frame} place={place} filter={filter} canReplay={canReplay} canPurge={canPurge} />
          )}
          <EntryTable
            frame={frame}
            place={place}
            list="dead"
            entries={entries}
            page={filter.isEmpty ? { page: String(value?.page) } : {}}
            isChoosable={canReplay || canPurge}
          />
        </form>
      )}
      {value !== undefined && <Pages frame={frame} place={place} filter={filter} value={value} />}
    </>
  )
}

interface BarProps extends Pick<LetterListProps, 'frame' | 'place' | 'filter'> {
  readonly canReplay: boolean
  readonly canPurge: boolean
}

function Bar({ frame, place, filter, canReplay, canPurge }: BarProps) {
  const all = filter.isEmpty ? 'all' : 'all that match'
  const ask = (what: string): string => linkTo(frame.base, '/ask', { what, ...place, ...given(filter) })
  return (
    <div class="bar">
      <span class="chosen" data-chosen aria-live="polite">
        Choose messages for an operation
      </span>
      {canReplay && (
        <button type="submit" formaction={linkTo(frame.base, '/replay')}>
          Replay
        </button>
      )}
      {canPurge && (
        <button type="submit" class="bad" formaction={linkTo(frame.base, '/purge')}>
          Purge …
        </button>
      )}
      <span class="rest" />
      {canReplay && <a class="button" href={ask('replay')}>{`Replay ${all} …`}</a>}
      {canPurge && <a class="button bad" href={ask('purge')}>{`Purge ${all} …`}</a>}
    </div>
  )
}

/** The fields of a filter that are not empty. */
export const given = ({ fields }: LetterFilter): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(fields).filter(([, text]) => text !== ''))

function Pages({
  frame,
  place,
  filter,
  value,
}: Pick<LetterListProps, 'frame' | 'place' | 'filter'> & { readonly value: LetterPage }) {
  const { page, hasNext } = value
  if (page === 1 && !hasNext) return null
  const to = (target: number): string =>
    linkTo(frame.base, '/group', { ...place, list: 'dead', ...given(filter), page: String(target) })
  return (
    <nav class="pages" aria-label="Pages of dead letters">
      {page > 1 && (
        <a href={to(page - 1)} rel="prev">
          ← Older
        </a>
      )}
      <span>{`Page ${page}`}</span>
      {hasNext && page < maxPages && (
        <a href={to(page + 1)} rel="next">
          Newer →
        </a>
      )}
      {hasNext && page >= maxPages && <span class="hint">There are more. Conditions lead to them.</span>}
    </nav>
  )
}
