import type { TaskState } from '../../broker/tasks.js'
import { visible } from '../../text/visible.js'

/** How far a task is. Nothing if it has not said so. */
export function TaskProgressPart({
  state: { progress, finished },
}: {
  readonly state: Pick<TaskState, 'progress' | 'finished'>
}) {
  const { value } = progress
  if (value === undefined) return null
  const isOver = finished.value !== undefined
  return (
    <section aria-labelledby="progress">
      <h2 id="progress">{isOver ? 'Last progress' : 'Progress'}</h2>
      <p>
        <strong>{Math.round(value.fraction * 100)} %</strong>
        {value.note === undefined ? '' : ` · ${visible(value.note)}`}
        {` · attempt ${value.attempt}`}
      </p>
      <progress max={1} value={value.fraction} aria-label="Progress of the task" />
    </section>
  )
}
