import { taskTopic } from '@mq/core/adapter'
import { likelyFirst, readEffects } from '../broker/effects.js'
import { readTopic } from '../broker/overview.js'
import { eachOf } from '../broker/reads.js'
import { readSchedules } from '../broker/schedules.js'
import { readTask, type TaskState } from '../broker/tasks.js'
import { linkTo } from '../http/address.js'
import { redirect, sendHtml } from '../http/answer.js'
import { Refusal } from '../http/refusal.js'
import { visible } from '../text/visible.js'
import { renderPage } from '../views/layout.js'
import { SchedulesPage } from '../views/tasks/schedules.js'
import { TaskPage } from '../views/tasks/task.js'
import { TaskControls } from '../views/tasks/task-controls.js'
import { TasksPage } from '../views/tasks/tasks.js'
import { type Context, type Parts, type Route, textIn } from './context.js'
import { carriedOut, operationForm } from './operation.js'

const maxTasks = 100

/** Shows all kinds of tasks. */
export const tasks: Route = async ({ res, frame, parts }) => {
  const { value, problem } = await parts.groups.topics()
  const topics = (value?.names ?? []).filter((name) => name.startsWith('task.')).slice(0, maxTasks)
  const states = await eachOf(topics, 8, (topic) => readTopic(parts.groups, topic))
  const shell = { heading: 'Tasks', here: 'tasks', live: 'view=health' } as const
  sendHtml(res, 200, renderPage(frame, shell, <TasksPage frame={frame} tasks={states} problem={problem} />))
}

/** Shows one task. */
export const task: Route = async ({ res, address, frame, parts }) => {
  const { id, name } = taskIn(address.query)
  const state = await readTask(taskParts(parts), id, name)
  const live = new URLSearchParams({ view: 'task', id, ...(name !== undefined && { task: name }) }).toString()
  const shell = { heading: `Task ${visible(id)}`, here: 'tasks', live } as const
  const controls = <TaskControls frame={frame} state={state} />
  const effects = address.query.get('effects') === 'look' ? await lookForEffects(parts, state) : undefined
  const content = <TaskPage frame={frame} state={state} controls={controls} effects={effects} />
  sendHtml(res, 200, renderPage(frame, shell, content))
}

async function lookForEffects({ queue, reads, hide, groups }: Parts, { id, task: name }: TaskState) {
  const topics = await groups.topics()
  if (topics.value === undefined) return topics
  const own = name === undefined ? undefined : taskTopic(name)
  return readEffects({ queue, reads, hide, topics: likelyFirst(topics.value.names, own) }, id)
}

/** Cancels a task. */
export const cancel: Route = async (context: Context) => {
  const form = await operationForm(context, 'cancel')
  const { id, name } = taskIn(form)
  const { scheduler } = context.parts.settings
  if (scheduler === undefined) throw new Refusal(409, 'The application has given the page no scheduler.')
  const isCancelled = await carriedOut(context, () => scheduler.cancel(id))
  if (!isCancelled)
    throw new Refusal(409, 'There is nothing to cancel: the task has ended, was cancelled before, or never existed.')
  redirect(context.res, linkTo(context.frame.base, '/task', { id, task: name }))
}

/** Shows the schedules. */
export const schedules: Route = async ({ res, frame, parts }) => {
  const read = await readSchedules(parts.groups, parts.settings.scheduler)
  const shell = { heading: 'Schedules', here: 'schedules', live: 'view=health' } as const
  sendHtml(res, 200, renderPage(frame, shell, <SchedulesPage frame={frame} schedules={read} />))
}

/** Reads which task a request is about. */
export function taskIn(fields: URLSearchParams): { readonly id: string; readonly name: string | undefined } {
  const id = textIn(fields, 'id')
  if (id === undefined) throw new Refusal(400, 'The id of the task is missing.')
  return { id, name: textIn(fields, 'task') }
}

export const taskParts = ({ queue, reads, hide, settings: { scheduler, redact } }: Parts) => ({
  queue,
  reads,
  hide,
  scheduler,
  isRedacting: redact !== undefined,
})
