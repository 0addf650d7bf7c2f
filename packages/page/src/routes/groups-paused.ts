import { redirect } from '../http/answer.js'
import { placeIn, type Route } from './context.js'
import { carriedOut, changed, doneLink, operationForm } from './operation.js'

/** Pauses a group in all its processes. */
export const pause: Route = async (context) => {
  const place = placeIn(await operationForm(context, 'pause'))
  const { queue } = context.parts
  const by = context.frame.viewer.name
  await carriedOut(context, () => queue.pauseGroup(place.topic, place.group, by === undefined ? {} : { by }))
  changed(context, place)
  redirect(context.res, doneLink(context, place, undefined, 'paused'))
}

/** Resumes a group. */
export const resume: Route = async (context) => {
  const place = placeIn(await operationForm(context, 'pause'))
  await carriedOut(context, () => context.parts.queue.resumeGroup(place.topic, place.group))
  changed(context, place)
  redirect(context.res, doneLink(context, place, undefined, 'resumed'))
}
