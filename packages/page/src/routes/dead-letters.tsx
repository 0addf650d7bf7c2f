import { readFilter } from '../broker/letter-filter.js'
import { linkTo } from '../http/address.js'
import { redirect, sendHtml } from '../http/answer.js'
import { Refusal } from '../http/refusal.js'
import { type Chosen, lettersWork } from '../jobs/letters.js'
import { counted } from '../text/numbers.js'
import { AskAll, purgeText } from '../views/jobs/ask-all.js'
import { renderPage } from '../views/layout.js'
import { Question } from '../views/question.js'
import { type Context, placeIn, type Route } from './context.js'
import { changed, doneLink, entriesIn, operationForm } from './operation.js'

type What = 'replay' | 'purge'

/** Asks how all dead letters that match are to be replayed, or whether they are to be purged. */
export const ask: Route = async ({ res, address, frame, parts }) => {
  const what: What = address.query.get('what') === 'purge' ? 'purge' : 'replay'
  if (!frame.viewer.may(what)) throw new Refusal(403, `You may not ${what} dead letters here.`)
  const place = placeIn(address.query)
  const filter = readFilter(address.query)
  const stats = filter.isEmpty ? (await parts.groups.find(place.topic, place.group)).stats.value : undefined
  const counting = filter.isEmpty ? undefined : (await parts.letters.count(place, filter)).value
  const total = filter.isEmpty ? stats?.dead : counting?.count
  const content = (
    <AskAll frame={frame} place={place} what={what} filter={filter} total={total} isWhole={counting?.isWhole ?? true} />
  )
  sendHtml(res, 200, renderPage(frame, { heading: what === 'purge' ? 'Purge' : 'Replay', here: 'other' }, content))
}

/** Replays dead letters: those that were chosen, or all that match. */
export const replay: Route = (context) => begin(context, 'replay')

/** Purges dead letters, once that was asked. */
export const purge: Route = (context) => begin(context, 'purge')

/** A short operation ends while its request waits, so that its result is seen at once. */
const patienceMs = 700

async function begin(context: Context, what: What): Promise<void> {
  const { res, frame, parts } = context
  const form = await operationForm(context, what)
  const place = placeIn(form)
  const isAll = form.get('all') === 'yes'
  const chosen: Chosen = isAll ? { filter: readFilter(form) } : { entryIds: entriesIn(form) }
  if (what === 'purge' && form.get('sure') !== 'yes') {
    if (!('entryIds' in chosen)) throw new Refusal(400, 'This was not asked.')
    const title = `Purge ${counted(chosen.entryIds.length, 'dead letter')}?`
    const asked = { frame, place, title, text: purgeText, yes: 'Purge for good', entries: chosen.entryIds }
    const shell = { heading: title, here: 'other' } as const
    return sendHtml(res, 200, renderPage(frame, shell, <Question {...asked} list="dead" action="/purge" />))
  }
  const total = 'entryIds' in chosen ? chosen.entryIds.length : countIn(form, 'total')
  const limit = countIn(form, 'limit')
  const { queue, letters } = parts
  const run = lettersWork({ queue, letters, place, what, chosen, limit, perSecond: countIn(form, 'rate') })
  const capped = limit === undefined || total === undefined ? (limit ?? total) : Math.min(limit, total)
  const job = parts.jobs.begin({ ...place, what, by: frame.viewer.name, total: capped, run })
  if (job === undefined)
    throw new Refusal(409, 'Several long operations are running already. Wait for one of them, or stop it.')
  queue.log.info(`${what === 'purge' ? 'A purge' : 'A replay'} of dead letters was begun on the page`, {
    ...place,
    by: frame.viewer.name ?? 'unknown',
  })
  const after = await parts.jobs.settle(job.id, patienceMs)
  changed(context, place)
  const isPlain = after?.state === 'done' && !isAll
  redirect(
    res,
    isPlain
      ? doneLink(context, place, 'dead', what === 'purge' ? 'purged' : 'replayed', after.done)
      : linkTo(frame.base, '/job', { id: job.id }),
  )
}

function countIn(form: URLSearchParams, name: string): number | undefined {
  const text = (form.get(name) ?? '').trim()
  if (text === '') return undefined
  const count = Number(text)
  if (!/^\d{1,9}$/.test(text) || count < 1 || count > maxCount) {
    throw new Refusal(400, `The field ‘${name}’ is a whole number from 1 to ${maxCount}, or empty.`)
  }
  return count
}

const maxCount = 1_000_000
