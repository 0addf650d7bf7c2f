import { tokenField } from '../access/form-token.js'
import type { Place } from '../broker/entries.js'
import type { ListName } from '../broker/lists.js'
import type { Frame } from './frame.js'

/** The fields that say which group, and which of its lists, a form is about. */
export const PlaceFields = ({ place, list }: { readonly place: Place; readonly list?: ListName }) => (
  <>
    <input type="hidden" name="topic" value={place.topic} />
    <input type="hidden" name="group" value={place.group} />
    {list === undefined ? null : <input type="hidden" name="list" value={list} />}
  </>
)

/** The field without which no form of this page is taken. */
export const Token = ({ frame }: { readonly frame: Frame }) => (
  <input type="hidden" name={tokenField} value={frame.token} />
)

/** Fields that a form passes on. */
export const Hidden = ({ fields }: { readonly fields: Readonly<Record<string, string>> }) => (
  <>
    {Object.entries(fields).map(([name, value]) => (
      <input key={name} type="hidden" name={name} value={value} />
    ))}
  </>
)
