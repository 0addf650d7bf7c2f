import type { Capabilities } from '@mq/core'
import type { Entry, Place } from '../../broker/entries.js'
import type { ListName } from '../../broker/lists.js'
import { linkTo } from '../../http/address.js'
import { PlaceFields, Token } from '../form-fields.js'
import { type Frame, may } from '../frame.js'

interface ControlsProps {
  readonly frame: Frame
  readonly place: Place
  readonly list: ListName
  readonly entry: Entry
  readonly capabilities: Capabilities
  readonly page: number
}

/** The operations on one message, for those who may. */
export function MessageControls({ frame, place, list, entry, capabilities, page }: ControlsProps) {
  const isDead = list === 'dead'
  const isLater = list === 'delayed' || list === 'retrying'
  const buttons = [
    isDead && may(frame, 'replay') && { path: '/replay', text: 'Replay', kind: 'main' },
    isLater && may(frame, 'runNow') && capabilities.runsNow && { path: '/run-now', text: 'Run now', kind: 'main' },
    isDead && may(frame, 'purge') && { path: '/purge', text: 'Purge …', kind: 'bad' },
    !isDead &&
      list !== 'inFlight' &&
      may(frame, 'remove') &&
      capabilities.removesWaiting && { path: '/remove', text: 'Remove …', kind: 'bad' },
  ].filter((button) => button !== false)
  const canEdit = isDead && may(frame, 'edit') && !entry.isTombstone
  if (buttons.length === 0 && !canEdit) return null
  return (
    <form method="post" action={linkTo(frame.base, buttons[0]?.path ?? '/replay')}>
      <PlaceFields place={place} list={list} />
      <Token frame={frame} />
      <input type="hidden" name="entry" value={entry.entryId} />
      {canEdit && (
        <a class="button" href={linkTo(frame.base, '/edit', { ...place, entry: entry.entryId, page: String(page) })}>
          Edit and send …
        </a>
      )}
      {buttons.map(({ path, text, kind }) => (
        <button key={path} type="submit" class={kind} formaction={linkTo(frame.base, path)}>
          {text}
        </button>
      ))}
    </form>
  )
}
