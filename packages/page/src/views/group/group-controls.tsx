import type { Capabilities } from '@mq/core'
import type { GroupState } from '../../broker/groups.js'
import { linkTo } from '../../http/address.js'
import { visible } from '../../text/visible.js'
import { PlaceFields, Token } from '../form-fields.js'
import { type Frame, may } from '../frame.js'

interface ControlsProps {
  readonly frame: Frame
  readonly group: GroupState
  readonly capabilities: Capabilities
}

/** Pauses and resumes a group, for those who may. */
export function GroupControls({ frame, group, capabilities }: ControlsProps) {
  if (!may(frame, 'pause') || group.isEphemeral) return null
  if (!capabilities.pausesGroups) {
    return <span class="hint">{`The adapter ${visible(frame.broker)} cannot pause groups (pausesGroups).`}</span>
  }
  const isPaused = group.stats.value?.paused !== undefined
  return (
    <form method="post" action={linkTo(frame.base, isPaused ? '/resume' : '/pause')}>
      <PlaceFields place={group} />
      <Token frame={frame} />
      <button type="submit" class={isPaused ? 'main' : ''}>
        {isPaused ? 'Resume' : 'Pause'}
      </button>
    </form>
  )
}
