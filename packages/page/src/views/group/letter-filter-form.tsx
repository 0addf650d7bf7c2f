import type { Place } from '../../broker/entries.js'
import { type LetterFilter, reasons } from '../../broker/letter-filter.js'
import { linkTo } from '../../http/address.js'
import { PlaceFields } from '../form-fields.js'
import type { Frame } from '../frame.js'

interface FilterProps {
  readonly frame: Frame
  readonly place: Place
  readonly filter: LetterFilter
}

/** The form that says which dead letters are shown, and which "all that match" are. */
export function LetterFilterForm({ frame, place, filter }: FilterProps) {
  const { fields, isEmpty, wrong } = filter
  const isDetailed = Object.entries(fields).some(([name, text]) => name !== 'text' && text !== '')
  return (
    <search>
      <form class="filter" action={linkTo(frame.base, '/group')}>
        <PlaceFields place={place} list="dead" />
        <div class="row find">
          <label>
            <span class="label">Search in dead letters</span>
            <input
              type="search"
              name="text"
              value={fields.text}
              maxlength={300}
              data-key="/"
              placeholder="id, key, data or error"
            />
          </label>
          <button type="submit">Search</button>
          {isEmpty ? null : <a href={linkTo(frame.base, '/group', { ...place, list: 'dead' })}>Show all</a>}
        </div>
        <details open={isDetailed}>
          <summary>More conditions</summary>
          <div class="fields">
            <label>
              Reason
              <select name="reason">
                <option value="">any</option>
                {reasons.map((reason) => (
                  <option key={reason} value={reason} selected={fields.reason === reason}>
                    {reason}
                  </option>
                ))}
              </select>
            </label>
            <label>
              Error <input name="error" value={fields.error} maxlength={300} placeholder="name, code or a part of it" />
            </label>
            <Duration name="older" title="Died at least … ago" value={fields.older} isWrong={wrong.includes('older')} />
            <Duration name="newer" title="Died at most … ago" value={fields.newer} isWrong={wrong.includes('newer')} />
            <label>
              Id <input name="id" value={fields.id} maxlength={300} />
            </label>
            <label>
              Key <input name="key" value={fields.key} maxlength={300} />
            </label>
            <label>
              Field of the data <input name="field" value={fields.field} maxlength={300} placeholder="user.country" />
            </label>
            <label>
              has the value <input name="value" value={fields.value} maxlength={300} placeholder="DE" />
            </label>
          </div>
        </details>
      </form>
    </search>
  )
}

interface DurationProps {
  readonly name: string
  readonly title: string
  readonly value: string
  readonly isWrong: boolean
}

function Duration({ name, title, value, isWrong }: DurationProps) {
  return (
    <label>
      {title}
      <input name={name} value={value} maxlength={20} placeholder="90s, 10m, 2h, 3d" aria-invalid={isWrong} />
      {isWrong ? <span class="wrong">Write a duration such as 10m.</span> : null}
    </label>
  )
}
