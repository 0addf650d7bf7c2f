import type { IncomingMessage } from 'node:http'
import type { Address } from '../http/address.js'
import { Refusal } from '../http/refusal.js'
import type { Route } from './context.js'
import { ask, purge, replay } from './dead-letters.js'
import { edit, sendEdited } from './edit.js'
import { events } from './events.js'
import { group } from './group.js'
import { pause, resume } from './groups-paused.js'
import { job, stop } from './job.js'
import { message } from './message.js'
import { remove, runNow } from './messages-waiting.js'
import { overview } from './overview.js'
import { cancel, schedules, task, tasks } from './tasks.js'

/** The parts of the page that only read. */
const reading: Readonly<Record<string, Route>> = {
  '/': overview,
  '/group': group,
  '/message': message,
  '/ask': ask,
  '/edit': edit,
  '/job': job,
  '/tasks': tasks,
  '/task': task,
  '/schedules': schedules,
  '/events': events,
}

/** The operations. Each asks for a right, and for a form that this page has made. */
const changing: Readonly<Record<string, Route>> = {
  '/replay': replay,
  '/purge': purge,
  '/edit': sendEdited,
  '/stop': stop,
  '/pause': pause,
  '/resume': resume,
  '/remove': remove,
  '/run-now': runNow,
  '/cancel': cancel,
}

/** Returns the part of the page that a request asks for. Throws a `Refusal` if there is none. */
export function routeFor({ method }: IncomingMessage, { path }: Address): Route {
  const routes = method === 'POST' ? changing : reading
  if (!['GET', 'HEAD', 'POST'].includes(method ?? '')) throw new Refusal(405, 'This page takes no such request.')
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined
  if (route === undefined) throw new Refusal(404, 'There is no such part of the page.')
  return route
}
