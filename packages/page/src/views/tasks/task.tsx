import { taskTopic, workersGroup } from '@mq/core/adapter'
import type { ComponentChildren } from 'preact'
import type { Effects } from '../../broker/effects.js'
import { listTitles } from '../../broker/lists.js'
import type { Reading } from '../../broker/reads.js'
import type { TaskState } from '../../broker/tasks.js'
import { linkTo } from '../../http/address.js'
import { visible } from '../../text/visible.js'
import type { Frame } from '../frame.js'
import { DataPart, FailurePart, Pair } from '../message/message.js'
import { Badge, Failed, Moment, Name, Notice, Unknown } from '../parts.js'
import { EffectsPart } from './effects.js'
import { TaskProgressPart } from './task-progress.js'

interface TaskProps {
  readonly frame: Frame
  readonly state: TaskState
  /** The operations on this task. */
  readonly controls: ComponentChildren
  /** The messages that it has published, if somebody has asked. */
  readonly effects: Reading<Effects> | undefined
}

/** One task: how it has ended or how far it is, its input, and what it belongs to. */
export function TaskPage({ frame, state, controls, effects }: TaskProps) {
  const { id, task, finished, message } = state
  const found = message.value
  const status = finished.value?.status ?? (found === undefined ? undefined : listTitles[found.list].toLowerCase())
  return (
    <>
      <nav class="crumbs" aria-label="Where you are">
        <a href={linkTo(frame.base, '/tasks')}>Tasks</a>
        <span aria-hidden="true">/</span>
        {task === undefined ? (
          'a task'
        ) : (
          <a href={linkTo(frame.base, '/group', { topic: taskTopic(task), group: workersGroup })}>{visible(task)}</a>
        )}
      </nav>
      <div class="title">
        <h1 class="id">{visible(id)}</h1>
        {status === undefined ? (
          <Unknown why="Neither the store nor the lists that were looked at know it" />
        ) : (
          <Badge kind={kinds[status] ?? 'plain'}>{status}</Badge>
        )}
        <div class="controls">{controls}</div>
      </div>
      <div id="task-progress">
        <TaskProgressPart state={state} />
      </div>
      {finished.problem && frame.hasScheduler && (
        <Failed what="The store of the tasks could not be read." problem={finished.problem} />
      )}
      {!frame.hasScheduler && (
        <Notice>
          Result and progress are not known here, because the application has given the page no scheduler.
        </Notice>
      )}
      {message.problem && <Failed what="The message of the task could not be looked for." problem={message.problem} />}
      {finished.value?.status === 'completed' && (
        <DataPart
          title="Result"
          entry={{ data: finished.value.result ?? null, isHidden: finished.value.isHidden, isTombstone: false }}
        />
      )}
      {finished.value?.status === 'failed' && found?.entry.failure === undefined && (
        <section class="failure" aria-labelledby="why">
          <h2 id="why">Why it failed</h2>
          <p>
            <strong>{visible(finished.value.failure.name)}</strong> after {finished.value.failure.attempts} runs
          </p>
          <p class="why">{visible(finished.value.failure.message)}</p>
        </section>
      )}
      {found?.entry.failure && <FailurePart failure={found.entry.failure} now={frame.now} />}
      {found === undefined ? <NoMessage state={state} /> : <DataPart title="Input" entry={found.entry} />}
      <Relations frame={frame} state={state} />
      <EffectsPart frame={frame} state={state} effects={effects} />
    </>
  )
}

const kinds: Readonly<Record<string, string>> = {
  completed: 'good',
  failed: 'bad',
  dead: 'bad',
  cancelled: 'warn',
  retrying: 'warn',
}

function NoMessage({ state: { task, finished } }: { readonly state: TaskState }) {
  const text =
    task === undefined
      ? 'The input is not known without the name of the task.'
      : finished.value === undefined
        ? 'The task was not found among those that wait, run or died. It may have ended longer ago than the store remembers, or be further behind in a list.'
        : 'The input is not known any more: the message of a task is gone once it has ended.'
  return <Notice>{text}</Notice>
}

function Relations({ frame, state: { message, task } }: Pick<TaskProps, 'frame' | 'state'>) {
  const found = message.value
  if (found === undefined || task === undefined) return null
  const { entry, list, page } = found
  const of = (name: string): string | undefined => entry.extensions.find(([key]) => key === name)?.[1]
  const [cause, origin] = [of('causationid'), of('correlationid')]
  const place = { topic: taskTopic(task), group: workersGroup }
  return (
    <section aria-labelledby="about">
      <h2 id="about">Cause</h2>
      <dl class="pairs">
        <Pair title="Enqueued">
          <Moment at={Date.parse(entry.time)} now={frame.now} />
        </Pair>
        {entry.attempt !== undefined && (
          <Pair title={list === 'inFlight' ? 'Attempt' : 'Next attempt'}>{entry.attempt}</Pair>
        )}
        {entry.dueAt !== undefined && (
          <Pair title={list === 'retrying' ? 'Next run' : 'Due'}>
            <Moment at={entry.dueAt} now={frame.now} />
          </Pair>
        )}
        <Pair title="Caused by">{cause === undefined ? 'nothing that is noted' : <code>{visible(cause)}</code>}</Pair>
        <Pair title="First of the chain">{origin === undefined ? 'this one' : <code>{visible(origin)}</code>}</Pair>
        <Pair title="Message">
          <a href={linkTo(frame.base, '/message', { ...place, list, ...page, entry: entry.entryId })}>
            Show it in the list of <Name text={listTitles[list].toLowerCase()} /> messages
          </a>
        </Pair>
      </dl>
    </section>
  )
}
