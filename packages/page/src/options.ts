import type { IncomingMessage, ServerResponse } from 'node:http'
import { MqError, type TaskScheduler } from '@mq/core'

/** The operations that change something. The page reads only, unless the application allows more. */
export const operations = ['replay', 'edit', 'purge', 'pause', 'remove', 'runNow', 'cancel'] as const

export type Operation = (typeof operations)[number]

/**
 * - `replay`: sends dead letters to their group again.
 * - `edit`: sends a changed copy of a dead letter instead.
 * - `purge`: removes dead letters for good.
 * - `pause`: pauses and resumes groups.
 * - `remove`: removes waiting messages for good.
 * - `runNow`: makes delayed and retrying messages ready at once.
 * - `cancel`: cancels tasks.
 */
export type Rights = Readonly<Partial<Record<Operation, boolean>>>

/** A person who may look at the page. */
export interface PageUser {
  /** Shown on the page and stored with a pause. At most 100 characters are kept. */
  readonly name?: string | undefined
  /** Narrows what the page allows, for this person. Default: everything that the page allows. */
  readonly allow?: Rights | undefined
}

export interface RedactContext {
  readonly topic: string
}

export interface PageOptions {
  /**
   * The path under which the page is mounted, `/queues` for example. Express and the plugin for fastify say it by themselves. Default:
   * none, so that the page begins at `/`.
   */
  readonly base?: string | undefined
  /** The title of the page. Default: `Queues`. */
  readonly title?: string | undefined
  /** The operations that the page offers. Default: none, so that it reads only. */
  readonly allow?: Rights | undefined
  /**
   * Says who may see the page, for each request. With `false` the page answers 403. A function that answers by itself, with a redirect to
   * a login for example, ends the request by that. Default: everybody who reaches the server.
   */
  readonly authorize?:
    | ((req: IncomingMessage, res: ServerResponse) => boolean | PageUser | Promise<boolean | PageUser>)
    | undefined
  /**
   * Returns the data of a message, or the result of a task, without what nobody may see. The page shows nothing else of it. Values that
   * it takes away are hidden in the key, the headers and the error of the message too. If it throws, the data is not shown. Default: all
   * data is shown.
   */
  readonly redact?: ((data: unknown, context: RedactContext) => unknown) | undefined
  /** Shows tasks with their progress and results, and the schedules of this process. It needs a store. Default: none. */
  readonly scheduler?: TaskScheduler | undefined
  /** How long the page waits for the broker before it says that it knows nothing. Default: 10 s. */
  readonly timeoutMs?: number | undefined
}

export interface PageSettings {
  readonly base: string | undefined
  readonly title: string
  readonly allow: Rights
  readonly authorize: NonNullable<PageOptions['authorize']>
  readonly redact: PageOptions['redact']
  readonly scheduler: TaskScheduler | undefined
  readonly timeoutMs: number
}

const known: readonly string[] = ['base', 'title', 'allow', 'authorize', 'redact', 'scheduler', 'timeoutMs']

/** Checks the options. Throws a `TypeError` or `MQ_INVALID_OPTION`. */
export function settingsOf(options: PageOptions): PageSettings {
  if (typeof options !== 'object' || options === null)
    throw new TypeError('The options of createPage must be an object')
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown !== undefined) throw new MqError('MQ_INVALID_OPTION', `createPage has no option '${unknown}'`)
  const { base, title = 'Queues', allow = {}, authorize = () => true, redact, scheduler, timeoutMs = 10_000 } = options
  if (base !== undefined && !/^(\/[\w.~-]+)*$/.test(base)) {
    throw new MqError('MQ_INVALID_OPTION', "base is a path without a slash at its end, as in '/queues'")
  }
  if (typeof title !== 'string') throw new TypeError('title must be a string')
  if (typeof authorize !== 'function') throw new TypeError('authorize must be a function')
  if (redact !== undefined && typeof redact !== 'function') throw new TypeError('redact must be a function')
  if (!Number.isFinite(timeoutMs) || timeoutMs < 1 || timeoutMs > 600_000) {
    throw new MqError('MQ_INVALID_OPTION', 'timeoutMs is from 1 to 600,000')
  }
  return { base, title, allow: rightsOf(allow), authorize, redact, scheduler, timeoutMs }
}

function rightsOf(allow: Rights): Rights {
  if (typeof allow !== 'object' || allow === null) throw new TypeError('allow must be an object')
  for (const [name, value] of Object.entries(allow)) {
    // A misspelt right would silently allow nothing.
    if (!operations.includes(name as Operation)) {
      throw new MqError('MQ_INVALID_OPTION', `allow knows ${operations.join(', ')}, and no '${name}'`)
    }
    if (value !== undefined && typeof value !== 'boolean') throw new TypeError(`allow.${name} must be a boolean`)
  }
  return { ...allow }
}
