import { workersGroup } from '@mq/core/adapter'
import type { TopicState } from '../../broker/overview.js'
import type { Problem } from '../../broker/reads.js'
import { linkTo } from '../../http/address.js'
import type { Frame } from '../frame.js'
import { Count, Failed, Name, Notice, Oldest } from '../parts.js'

interface TasksProps {
  readonly frame: Frame
  readonly tasks: readonly TopicState[]
  readonly problem: Problem | undefined
}

const counts = [
  ['ready', 'Ready'],
  ['inFlight', 'Running'],
  ['retrying', 'Retrying'],
  ['delayed', 'Delayed'],
  ['dead', 'Dead'],
] as const

/** All kinds of tasks, and a way to one of them. */
export function TasksPage({ frame, tasks, problem }: TasksProps) {
  return (
    <>
      <div class="title">
        <h1>Tasks</h1>
        <p class="lead">Work that a scheduler enqueues and workers run</p>
      </div>
      <search>
        <form class="row find" action={linkTo(frame.base, '/task')}>
          <label>
            <span class="label">Id of a task</span>
            <input name="id" required maxlength={300} data-key="/" />
          </label>
          <label>
            <span class="label">Name of the task, if you know it</span>
            <input name="task" maxlength={100} list="names" />
          </label>
          <datalist id="names">
            {tasks.map(({ topic }) => (
              <option key={topic} value={topic.slice('task.'.length)} />
            ))}
          </datalist>
          <button type="submit">Show it</button>
        </form>
      </search>
      {!frame.hasScheduler && (
        <Notice>
          Results and progress are not known here, because the application has given the page no <code>scheduler</code>.
        </Notice>
      )}
      {problem && <Failed what="The tasks could not be listed." problem={problem} />}
      {tasks.length === 0 ? <p class="empty">No task is known yet.</p> : <Table frame={frame} tasks={tasks} />}
    </>
  )
}

const Table = ({ frame, tasks }: Pick<TasksProps, 'frame' | 'tasks'>) => (
  <div class="scroll">
    <table class="groups stacks">
      <caption class="unseen">Tasks</caption>
      <thead>
        <tr>
          <th scope="col">Task</th>
          {counts.map(([name, title]) => (
            <th key={name} scope="col" class="number">
              {title}
            </th>
          ))}
          <th scope="col" class="number">
            Oldest ready
          </th>
          <th scope="col" class="number">
            Workers
          </th>
        </tr>
      </thead>
      <tbody>
        {tasks.flatMap(({ topic, groups }) =>
          groups
            .filter(({ group }) => group === workersGroup)
            .map(({ group, stats, consumers }) => (
              <tr key={topic}>
                <th scope="row">
                  <a href={linkTo(frame.base, '/group', { topic, group })}>
                    <strong>
                      <Name text={topic.slice('task.'.length)} />
                    </strong>
                  </a>
                </th>
                {counts.map(([name, title]) => (
                  <td key={name} class="number" data-title={title}>
                    <span class={stats.value?.[name] === 0 ? 'zero' : name === 'dead' ? 'many bad' : 'many'}>
                      <Count value={stats.value?.[name]} why={stats.problem?.text} />
                    </span>
                  </td>
                ))}
                <td class="number" data-title="Oldest ready">
                  <Oldest ms={stats.value?.oldestReadyMs} why={stats.problem?.text} />
                </td>
                <td class="number" data-title="Workers">
                  <Count value={consumers} />
                </td>
              </tr>
            )),
        )}
      </tbody>
    </table>
  </div>
)
