import type { TaskState } from '../../broker/tasks.js'
import { linkTo } from '../../http/address.js'
import { Hidden, Token } from '../form-fields.js'
import { type Frame, may } from '../frame.js'

/** Cancels a task that has not ended, for those who may. */
export function TaskControls({
  frame,
  state: { id, task, finished },
}: {
  readonly frame: Frame
  readonly state: TaskState
}) {
  if (!frame.hasScheduler || !may(frame, 'cancel') || finished.value !== undefined) return null
  return (
    <form method="post" action={linkTo(frame.base, '/cancel')}>
      <Token frame={frame} />
      <Hidden fields={{ id, ...(task !== undefined && { task }) }} />
      <button type="submit" class="bad">
        Cancel the task
      </button>
    </form>
  )
}
