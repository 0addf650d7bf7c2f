import type { IncomingMessage, ServerResponse } from 'node:http'
import { keysOf, refuseUnknown, requireOptions } from '../contract/checks/options.js'
import { shown } from '../contract/checks/shown.js'
import { requireFunction } from '../contract/checks/values.js'
import { MqError } from '../contract/errors.js'
import type { Queue, QueueHealth } from '../contract/queue.js'

export interface ProbesOptions {
  /** The path before `/live` and `/ready`, such as `/health`. Default: none. */
  readonly base?: string | undefined
  /**
   * Decides from the health of the queue whether the process is ready. If it throws, the process is not. Default: it is ready unless the
   * status is `down`.
   */
  readonly isReady?: ((health: QueueHealth) => boolean) | undefined
}

/** Answers a request for a probe. Any other one goes to `next`, or gets the status 404 if there is no `next`. */
export type Probes = (req: IncomingMessage, res: ServerResponse, next?: () => unknown) => void

const optionNames = keysOf<ProbesOptions>()({ base: true, isReady: true })

/**
 * Creates a handler of HTTP requests for the probes of an orchestrator, for any server that is built on `node:http`.
 *
 * - `/live` answers 200 for as long as the process answers at all. A restart repairs no broker, so the queue does not count.
 * - `/ready` answers 200, or 503 while `health()` is `down`: before `connect`, without a connection, and from `disconnect` on.
 *
 * It asks the broker nothing. Throws a `TypeError` or `MQ_INVALID_OPTION` if an option has a bad value.
 */
export function probes(queue: Pick<Queue, 'health'>, options: ProbesOptions = {}): Probes {
  requireOptions(options, 'The options of probes')
  refuseUnknown(options, optionNames, 'probes')
  const { base = '', isReady = ({ status }) => status !== 'down' } = options
  requireBase(base)
  requireFunction(isReady, 'isReady')

  const answers = new Map<string, () => Answer>([
    [`${base}/live`, () => ({ status: 200, body: { status: 'up' } })],
    [
      `${base}/ready`,
      () => {
        const health = queue.health()
        const { status, state, consumers } = health
        return { status: saysReady(isReady, health) ? 200 : 503, body: { status, state, consumers } }
      },
    ],
  ])

  return (req, res, next) => {
    const answer = answers.get(pathOf(req))
    if (answer === undefined) {
      if (next !== undefined) next()
      else send(req, res, { status: 404, body: { error: 'There is no such probe' } })
    } else if (req.method === 'GET' || req.method === 'HEAD') {
      send(req, res, answer())
    } else {
      send(req, res, { status: 405, body: { error: 'A probe is asked with GET or HEAD' } })
    }
  }
}

interface Answer {
  readonly status: number
  readonly body: object
}

/** A function that throws does not know, and must not end the process. */
function saysReady(isReady: (health: QueueHealth) => boolean, health: QueueHealth): boolean {
  try {
    return isReady(health)
  } catch {
    return false
  }
}

const pathOf = ({ url = '/' }: IncomingMessage): string => url.replace(/[?#].*$/s, '')

/** Each probe has a connection of its own, so that none of them keeps a server from closing. */
function send({ method }: IncomingMessage, res: ServerResponse, { status, body }: Answer): void {
  const text = JSON.stringify(body)
  res.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    connection: 'close',
    ...(status === 405 && { allow: 'GET, HEAD' }),
  })
  res.end(method === 'HEAD' ? undefined : text)
}

function requireBase(base: unknown): asserts base is string {
  if (typeof base !== 'string') throw new TypeError(`base must be a string, not ${shown(base)}`)
  if (base === '' || /^(?:\/[\w.~-]+)+$/.test(base)) return
  throw new MqError('MQ_INVALID_OPTION', `base is a path such as '/health', not ${shown(base)}`)
}
