import type { IncomingMessage, ServerResponse } from 'node:http'
import { withTimeout } from '@mq/core/adapter'
import { Refusal } from '../http/refusal.js'
import type { Operation, PageSettings, PageUser } from '../options.js'
import { visible } from '../text/visible.js'

/** The person who looks at the page. */
export interface Viewer {
  readonly name: string | undefined
  may(operation: Operation): boolean
}

const maxNameLength = 100

/** Asks the application who this is. Returns undefined if it has answered the request by itself. Throws a `Refusal` for nobody. */
export async function viewerOf(
  req: IncomingMessage,
  res: ServerResponse,
  { authorize, allow, timeoutMs }: PageSettings,
): Promise<Viewer | undefined> {
  const late = (): Error => new Refusal(503, 'The application did not say in time who may see this page.')
  const asked = (async () => authorize(req, res))()
  const user: unknown = await withTimeout(asked, timeoutMs, late)
  if (res.headersSent || res.writableEnded) return undefined
  if (user === true) return viewer({}, allow)
  if (typeof user !== 'object' || user === null) throw new Refusal(403, 'You may not see this page.')
  return viewer(user as PageUser, allow)
}

const viewer = ({ name, allow: own }: PageUser, allow: PageSettings['allow']): Viewer => ({
  name: typeof name === 'string' && name !== '' ? visible(name.slice(0, maxNameLength)) : undefined,
  may: (operation) => allow[operation] === true && (own === undefined || own[operation] === true),
})
