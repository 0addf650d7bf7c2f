import { readOverview } from '../broker/overview.js'
import { readProgress } from '../broker/tasks.js'
import type { LiveState } from '../live/live.js'
import { renderCells } from '../views/cells.js'
import { pointOf } from '../views/chart.js'
import { groupCells } from '../views/group/group-figures.js'
import { Health, Unreachable } from '../views/health.js'
import { jobCells } from '../views/jobs/job.js'
import { overviewCells } from '../views/overview/overview-cells.js'
import { TaskProgressPart } from '../views/tasks/task-progress.js'
import { type Context, type Parts, placeIn, type Route } from './context.js'
import { overviewQuery } from './overview.js'
import { taskIn, taskParts } from './tasks.js'

/** Sends what changes on a part of the page while it is open. It has no data of messages. */
export const events: Route = async ({ req, res, address: { query }, parts }: Context) => {
  const { key, render } = subjectOf(query, parts)
  if (req.method === 'HEAD') {
    res.end()
    return
  }
  const state = async (): Promise<LiveState> => {
    const { cells, point } = await render()
    return { cells: { ...healthCells(parts), ...cells }, point }
  }
  if (parts.live.join(key, state, res)) return
  res.setHeader('retry-after', '30')
  res.statusCode = 503
  res.end()
}

interface LiveSubject {
  readonly key: string
  readonly render: () => Promise<LiveState>
}

function subjectOf(query: URLSearchParams, parts: Parts): LiveSubject {
  const { groups, queue, jobs } = parts
  const view = query.get('view')
  if (view === 'overview') {
    const wanted = overviewQuery(query)
    const render = async () => ({ cells: renderCells(overviewCells(await readOverview(groups, wanted))) })
    return { key: `overview ${JSON.stringify(wanted)}`, render }
  }
  if (view === 'group') {
    const { topic, group } = placeIn(query)
    const render = async () => {
      const state = await groups.find(topic, group)
      const last = groups.samplesOf(topic, group).at(-1)
      const point = state.stats.value === undefined || last === undefined ? undefined : pointOf(last)
      return { cells: renderCells(groupCells(state, queue.clock.now())), point }
    }
    return { key: `group ${JSON.stringify([topic, group])}`, render }
  }
  if (view === 'job') {
    const id = query.get('id') ?? ''
    const cells = () => {
      const job = jobs.find(id)
      return job === undefined ? {} : renderCells(jobCells(job))
    }
    return { key: `job ${JSON.stringify(id)}`, render: async () => ({ cells: cells() }) }
  }
  if (view === 'task') {
    const { id, name } = taskIn(query)
    const render = async () => {
      const state = await readProgress(taskParts(parts), id, name)
      return { cells: renderCells({ 'task-progress': <TaskProgressPart state={state} /> }) }
    }
    return { key: `task ${JSON.stringify([id, name])}`, render }
  }
  return { key: 'health', render: async () => ({ cells: {} }) }
}

function healthCells({ queue }: Parts): Readonly<Record<string, string>> {
  const health = queue.health()
  return renderCells({
    health: <Health health={health} broker={queue.type} />,
    unreachable: <Unreachable health={health} broker={queue.type} />,
  })
}
