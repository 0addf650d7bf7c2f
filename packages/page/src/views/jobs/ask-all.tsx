import type { Place } from '../../broker/entries.js'
import type { LetterFilter } from '../../broker/letter-filter.js'
import { maxLooked } from '../../broker/letters.js'
import { counted, shownCount } from '../../text/numbers.js'
import { visible } from '../../text/visible.js'
import type { Frame } from '../frame.js'
import { given } from '../group/letter-list.js'
import { Notice } from '../parts.js'
import { Question } from '../question.js'

export const purgeText = 'They are removed for good: nobody can replay them afterwards.'

interface AskAllProps {
  readonly frame: Frame
  readonly place: Place
  readonly what: 'replay' | 'purge'
  readonly filter: LetterFilter
  /** The number of dead letters that match. Undefined if it is not known. */
  readonly total: number | undefined
  readonly isWhole: boolean
}

/** Asks how all dead letters that match are to be replayed, or whether they are to be purged. */
export function AskAll({ frame, place, what, filter, total, isWhole }: AskAllProps) {
  const amount = total === undefined ? 'all dead letters' : counted(total, 'dead letter')
  const which = filter.isEmpty ? amount : `${amount} that ${total === 1 ? 'matches' : 'match'}`
  const isPurge = what === 'purge'
  return (
    <Question
      frame={frame}
      place={place}
      list="dead"
      action={`/${what}`}
      title={`${isPurge ? 'Purge' : 'Replay'} ${which}?`}
      text={
        isPurge
          ? purgeText
          : 'Each is a first attempt again and keeps its id. You can break this off at any time, and nothing is lost.'
      }
      yes={isPurge ? 'Purge for good' : 'Replay'}
      isHarmless={!isPurge}
      fields={{
        ...given(filter),
        all: 'yes',
        ...(total !== undefined && isWhole && { total: String(Math.max(1, total)) }),
      }}
    >
      {isWhole ? null : (
        <Notice>{`Only the oldest ${shownCount(maxLooked)} were looked at, and only those are taken. Repeat it for the rest.`}</Notice>
      )}
      {!filter.isEmpty && <Conditions filter={filter} />}
      <div class="fields">
        {isPurge ? null : (
          <label>
            How many a second
            <input
              name="rate"
              inputmode="numeric"
              pattern="[0-9]*"
              value="50"
              maxlength={7}
              aria-describedby="rate-hint"
            />
            <span class="hint" id="rate-hint">
              Empty: as fast as the broker takes them
            </span>
          </label>
        )}
        <label>
          How many at most
          <input name="limit" inputmode="numeric" pattern="[0-9]*" maxlength={7} aria-describedby="limit-hint" />
          <span class="hint" id="limit-hint">
            Empty: all
          </span>
        </label>
      </div>
    </Question>
  )
}

const Conditions = ({ filter }: { readonly filter: LetterFilter }) => (
  <dl class="pairs">
    {Object.entries(given(filter)).map(([name, text]) => (
      <div key={name}>
        <dt>{name}</dt>
        <dd>{visible(text)}</dd>
      </div>
    ))}
  </dl>
)
