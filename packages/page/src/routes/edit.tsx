import type { DeadLetterChange } from '@mq/core'
import type { Place } from '../broker/entries.js'
import type { FoundLetter } from '../broker/letters.js'
import { restored } from '../hiding/restore.js'
import { redirect, sendHtml } from '../http/answer.js'
import { Refusal } from '../http/refusal.js'
import { asJson, isBytes } from '../text/json.js'
import { visibleLines } from '../text/visible.js'
import { renderPage } from '../views/layout.js'
import { EditPage } from '../views/message/edit.js'
import { type Context, pageIn, placeIn, type Route } from './context.js'
import { carriedOut, changed, doneLink, operationForm } from './operation.js'

/** A form writes each byte as up to three. */
const maxEditBytes = 4 * 1024 * 1024

/** Shows the data of a dead letter in a field. */
export const edit: Route = async (context) => {
  const { address, frame } = context
  if (!frame.viewer.may('edit')) throw new Refusal(403, 'You may not edit dead letters here.')
  const place = placeIn(address.query)
  const { entry } = await found(context, place, address.query)
  const isText = isPlainText(entry.data)
  // JSON can write what nobody sees as an escape, so that it is seen and kept.
  const text = isText ? String(entry.data) : visibleLines(asJson(entry.data, 2))
  showForm(context, { place, entryId: entry.entryId, isText, text, isHidden: entry.isHidden })
}

/** Returns whether a text can be edited as it is. Any other is edited as JSON. */
const isPlainText = (data: unknown): boolean => typeof data === 'string' && visibleLines(data) === data

interface Shown {
  readonly place: Place
  readonly entryId: string
  readonly isText: boolean
  readonly text: string
  readonly isHidden: boolean
  readonly wrong?: string
}

function showForm({ res, frame }: Context, shown: Shown): void {
  const shell = { heading: 'Edit and send', here: 'other' } as const
  sendHtml(res, shown.wrong === undefined ? 200 : 422, renderPage(frame, shell, <EditPage frame={frame} {...shown} />))
}

/** Sends a changed copy of a dead letter to its group, in its place. */
export const sendEdited: Route = async (context) => {
  const form = await operationForm(context, 'edit', maxEditBytes)
  const place = placeIn(form)
  const { letter, entry } = await found(context, place, form)
  const isText = isPlainText(entry.data)
  const text = form.get('data') ?? ''
  const shown = { place, entryId: entry.entryId, isText, text, isHidden: entry.isHidden }
  let given: unknown
  try {
    given = isText ? text : JSON.parse(text)
  } catch (error) {
    return showForm(context, { ...shown, wrong: `This is not JSON: ${(error as Error).message}` })
  }
  const change: DeadLetterChange = { data: restored({ original: letter.data, shown: entry.data, given }) }
  const { edited } = await carriedOut(context, () =>
    context.parts.queue.deadLetters(place.topic, place.group).edit(entry.entryId, change),
  )
  changed(context, place)
  redirect(context.res, doneLink(context, place, 'dead', 'edited', edited))
}

async function found({ parts }: Context, place: Place, fields: URLSearchParams): Promise<FoundLetter> {
  const entryId = fields.get('entry') ?? ''
  const { value, problem } = await parts.letters.find(place, entryId, pageIn(fields))
  if (problem !== undefined) throw new Refusal(503, `The dead letter could not be read. ${problem.text}`)
  if (value === undefined) throw new Refusal(404, 'The dead letter is no longer there: it was replayed or removed.')
  const { data, isTombstone } = value.entry
  if (isTombstone || isBytes(data) || value.letter.data === undefined) {
    throw new Refusal(409, 'This message has no data that a person could edit.')
  }
  return value
}
