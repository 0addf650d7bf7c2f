import type { Place } from '../../broker/entries.js'
import { linkTo } from '../../http/address.js'
import { visible } from '../../text/visible.js'
import { PlaceFields, Token } from '../form-fields.js'
import type { Frame } from '../frame.js'
import { Crumbs } from '../group/group.js'
import { Notice } from '../parts.js'

interface EditProps {
  readonly frame: Frame
  readonly place: Place
  readonly entryId: string
  /** True if the data is a text, and not JSON. */
  readonly isText: boolean
  readonly text: string
  readonly isHidden: boolean
  /** The reason why the data was not taken. */
  readonly wrong?: string
}

/** The data of a dead letter in a field, for a changed copy. */
export function EditPage({ frame, place, entryId, isText, text, isHidden, wrong }: EditProps) {
  return (
    <>
      <Crumbs frame={frame} topic={place.topic} />
      <form class="card" method="post" action={linkTo(frame.base, '/edit')}>
        <h1>Edit and send a copy</h1>
        <p class="lead">
          The copy has a new id, names this message as its cause, and goes to this group alone, as a first attempt. The
          dead letter is then removed.
        </p>
        {isHidden && <Notice>What is hidden stays as it is, if you leave it as it is shown.</Notice>}
        <PlaceFields place={place} list="dead" />
        <Token frame={frame} />
        <input type="hidden" name="entry" value={entryId} />
        <label class="wide">
          {isText ? 'Data, as text' : 'Data, as JSON'}
          <textarea
            name="data"
            spellcheck={false}
            aria-invalid={wrong !== undefined}
            aria-describedby={wrong === undefined ? undefined : 'wrong'}
          >
            {text}
          </textarea>
        </label>
        {wrong === undefined ? null : (
          <p class="wrong" id="wrong" role="alert">
            {visible(wrong)}
          </p>
        )}
        <div class="row">
          <button type="submit" class="main">
            Send the copy
          </button>
          <a
            class="button"
            href={linkTo(frame.base, '/group', { topic: place.topic, group: place.group, list: 'dead' })}
          >
            Keep it as it is
          </a>
        </div>
      </form>
    </>
  )
}
