import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Queue } from '@mq/core'
import { formToken } from './access/form-token.js'
import { viewerOf } from './access/user.js'
import { assetsVersion, loadAssets, sendAsset } from './assets.js'
import { createGroups } from './broker/groups.js'
import { createLetters } from './broker/letters.js'
import { createReads, problemOf } from './broker/reads.js'
import { createWaiting } from './broker/waiting.js'
import { createHider } from './hiding/hider.js'
import { type Address, addressOf } from './http/address.js'
import { sendHtml } from './http/answer.js'
import { setSecurityHeaders } from './http/headers.js'
import { Refusal } from './http/refusal.js'
import { createJobs } from './jobs/jobs.js'
import { createLive } from './live/live.js'
import { type PageOptions, settingsOf } from './options.js'
import type { Parts } from './routes/context.js'
import { routeFor } from './routes/routes.js'
import type { Frame } from './views/frame.js'
import { renderOutside, renderRefused } from './views/refused.js'

/**
 * A page that looks into a queue: a handler for `node:http`, and for every framework that takes one, express for example.
 * See docs/decisions/0011-a-page-made-on-the-server.md.
 */
export interface Page {
  /** Answers the request, whatever it is. It never throws. */
  (req: IncomingMessage, res: ServerResponse): void
  /** Ends the live connections of all viewers and what runs for them, so that the server can close. The queue stays as it is. */
  close(): void
}

const live = { everyMs: 2_000, maxViewers: 100, maxSubjects: 20, maxLifeMs: 300_000 }

/**
 * Creates the page of a queue. It opens nothing and asks nothing until somebody looks.
 * Throws a `TypeError` or `MQ_INVALID_OPTION` if an option has a bad value.
 */
export function createPage(queue: Queue, options: PageOptions = {}): Page {
  const settings = settingsOf(options)
  loadAssets()
  const hide = createHider(settings.redact)
  const reads = createReads(settings)
  const parts: Parts = {
    queue,
    settings,
    reads,
    groups: createGroups(queue, reads),
    letters: createLetters(queue, reads, hide),
    waiting: createWaiting(queue, reads, hide),
    live: createLive(live),
    jobs: createJobs(() => queue.clock.now()),
    hide,
  }
  const page = (req: IncomingMessage, res: ServerResponse): void => {
    answer(req, res, parts).catch((error: unknown) => {
      queue.log.error('The page could not answer a request', { error: problemOf(error).text })
      if (res.headersSent) res.destroy()
      else sendHtml(res, 500, renderOutside(500, 'This did not work. The log of the application says why.'))
    })
  }
  const close = (): void => {
    parts.live.close()
    parts.jobs.close()
  }
  return Object.assign(page, { close })
}

async function answer(req: IncomingMessage, res: ServerResponse, parts: Parts): Promise<void> {
  setSecurityHeaders(res)
  const address = addressOf(req, parts.settings.base)
  if (address === undefined) return sendHtml(res, 404, renderOutside(404, 'There is nothing here.'))
  if (sentAsset(res, address)) return
  let frame: Frame | undefined
  try {
    const viewer = await viewerOf(req, res, parts.settings)
    if (viewer === undefined) return
    const { queue, settings } = parts
    frame = {
      base: address.base,
      title: settings.title,
      broker: queue.type,
      health: queue.health(),
      viewer,
      token: formToken(req, res, address.base),
      hasScheduler: settings.scheduler !== undefined,
      now: queue.clock.now(),
    }
    await routeFor(req, address)({ req, res, address, frame, parts })
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    // A form that was not read whole would be taken for the next request.
    if (!req.complete) res.setHeader('connection', 'close')
    const { status, message } = error
    sendHtml(res, status, frame === undefined ? renderOutside(status, message) : renderRefused(frame, status, message))
  }
}

/** Files are the same for everybody, so they are sent without asking who wants them. */
function sentAsset(res: ServerResponse, { path }: Address): boolean {
  const prefix = `/assets/${assetsVersion()}/`
  return path.startsWith(prefix) && sendAsset(res, path.slice(prefix.length))
}
