import { listNamed } from '../broker/lists.js'
import { redirect, sendHtml } from '../http/answer.js'
import { counted } from '../text/numbers.js'
import { renderPage } from '../views/layout.js'
import { Question } from '../views/question.js'
import { placeIn, type Route } from './context.js'
import { carriedOut, changed, doneLink, entriesIn, operationForm } from './operation.js'

/** Removes waiting messages, once that was asked. */
export const remove: Route = async (context) => {
  const form = await operationForm(context, 'remove')
  const place = placeIn(form)
  const list = listNamed(form.get('list')) ?? 'ready'
  const entries = entriesIn(form)
  if (form.get('sure') !== 'yes') {
    const what = `Remove ${counted(entries.length, 'message')} for good?`
    const text = 'This group will never handle them. Other groups keep theirs.'
    const question = (
      <Question
        frame={context.frame}
        place={place}
        list={list}
        action="/remove"
        title={what}
        text={text}
        yes="Remove for good"
        entries={entries}
      />
    )
    return sendHtml(context.res, 200, renderPage(context.frame, { heading: what, here: 'other' }, question))
  }
  const { removed } = await carriedOut(context, () =>
    context.parts.queue.waiting(place.topic, place.group).remove(entries),
  )
  changed(context, place)
  redirect(context.res, doneLink(context, place, list, 'removed', removed))
}

/** Makes messages ready at once. */
export const runNow: Route = async (context) => {
  const form = await operationForm(context, 'runNow')
  const place = placeIn(form)
  const entries = entriesIn(form)
  const { readied } = await carriedOut(context, () =>
    context.parts.queue.waiting(place.topic, place.group).runNow(entries),
  )
  changed(context, place)
  redirect(context.res, doneLink(context, place, listNamed(form.get('list')), 'readied', readied))
}
