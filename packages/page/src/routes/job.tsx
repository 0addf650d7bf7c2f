import { linkTo } from '../http/address.js'
import { redirect, sendHtml } from '../http/answer.js'
import { Refusal } from '../http/refusal.js'
import { JobPage } from '../views/jobs/job.js'
import { renderPage } from '../views/layout.js'
import type { Context, Route } from './context.js'
import { operationForm } from './operation.js'

const unknown = (): Refusal =>
  new Refusal(404, 'This process knows no such operation. Another process of the application may, or it was long ago.')

/** Shows a long operation. */
export const job: Route = async ({ res, address, frame, parts }) => {
  const found = parts.jobs.find(address.query.get('id') ?? '')
  if (found === undefined) throw unknown()
  const live = new URLSearchParams({ view: 'job', id: found.id }).toString()
  sendHtml(
    res,
    200,
    renderPage(frame, { heading: 'Operation', here: 'other', live }, <JobPage frame={frame} job={found} />),
  )
}

/** Breaks a long operation off. */
export const stop: Route = async (context: Context) => {
  const { frame, res, parts } = context
  // A person who may begin one kind may send the form. The kind that the form is about is checked below.
  const form = await operationForm(context, frame.viewer.may('replay') ? 'replay' : 'purge')
  const found = parts.jobs.find(form.get('id') ?? '')
  if (found === undefined) throw unknown()
  if (!frame.viewer.may(found.what))
    throw new Refusal(403, `You may not ${found.what} dead letters here, so you may not break this off.`)
  parts.jobs.stop(found.id)
  await parts.jobs.settle(found.id, 2_000)
  redirect(res, linkTo(frame.base, '/job', { id: found.id }))
}
