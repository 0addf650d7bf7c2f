import type { Entry, Place } from '../broker/entries.js'
import { isState, type ListName, listNamed } from '../broker/lists.js'
import type { Reading } from '../broker/reads.js'
import { sendHtml } from '../http/answer.js'
import { Refusal } from '../http/refusal.js'
import { visible } from '../text/visible.js'
import { renderPage } from '../views/layout.js'
import { MessagePage } from '../views/message/message.js'
import { MessageControls } from '../views/message/message-controls.js'
import { type Context, pageIn, placeIn, type Route, textIn } from './context.js'
import { capabilitiesFor } from './group.js'

/** Shows one message as a whole. */
export const message: Route = async (context: Context) => {
  const { res, address, frame } = context
  const place = placeIn(address.query)
  const list = listNamed(address.query.get('list')) ?? 'dead'
  const { value: entry, problem } = await find(context, place, list)
  if (problem !== undefined) throw new Refusal(503, `The message could not be read. ${problem.text}`)
  if (entry === undefined) {
    throw new Refusal(
      404,
      'The message is no longer in this list: it was handled, replayed or removed, or it waits for something else now.',
    )
  }
  const capabilities = capabilitiesFor(context, place)
  const controls = (
    <MessageControls
      frame={frame}
      place={place}
      list={list}
      entry={entry}
      capabilities={capabilities}
      page={pageIn(address.query)}
    />
  )
  const shell = { heading: `Message ${visible(entry.id)}`, here: 'other', live: 'view=health' } as const
  sendHtml(
    res,
    200,
    renderPage(frame, shell, <MessagePage frame={frame} place={place} list={list} entry={entry} controls={controls} />),
  )
}

async function find(
  { address: { query }, parts }: Context,
  place: Place,
  list: ListName,
): Promise<Reading<Entry | undefined>> {
  const entryId = query.get('entry') ?? ''
  if (isState(list)) {
    return parts.waiting.find(place, { state: list, after: textIn(query, 'after'), text: '' }, entryId)
  }
  const { value, problem } = await parts.letters.find(place, entryId, pageIn(query))
  return problem === undefined ? { value: value?.entry } : { problem }
}
