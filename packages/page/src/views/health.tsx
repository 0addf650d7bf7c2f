import type { QueueHealth } from '@mq/core'
import { withoutSecrets } from '@mq/core/adapter'
import { shortened, visible } from '../text/visible.js'

const words = { up: 'connected', degraded: 'connected, but a consumer gets nothing', down: 'not connected' } as const

/** Says whether this process reaches the broker. */
export const Health = ({ health, broker }: { readonly health: QueueHealth; readonly broker: string }) => (
  <>
    <span class={`dot ${health.status}`} aria-hidden="true" />
    {`${visible(broker)} · ${words[health.status]}`}
  </>
)

/** Says that the broker cannot be reached, and why. Empty while it can. */
export function Unreachable({ health, broker }: { readonly health: QueueHealth; readonly broker: string }) {
  if (health.status === 'up') return null
  const why = health.lastError === undefined ? '' : shortened(withoutSecrets(health.lastError.message), 400)
  const what =
    health.status === 'down'
      ? `This process does not reach ${visible(broker)} (${health.state}). What you see may be old, and what is not known is shown as unknown.`
      : 'A consumer of this process gets nothing at the moment.'
  return (
    <div class="notice bad" role="alert">
      <strong>{what}</strong>
      {why === '' ? null : <p class="why">{why}</p>}
    </div>
  )
}
