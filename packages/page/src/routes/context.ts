import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Queue } from '@mq/core'
import type { Place } from '../broker/entries.js'
import type { Groups } from '../broker/groups.js'
import type { Letters } from '../broker/letters.js'
import type { Reads } from '../broker/reads.js'
import type { Waiting } from '../broker/waiting.js'
import type { Hide } from '../hiding/hider.js'
import type { Address } from '../http/address.js'
import { Refusal } from '../http/refusal.js'
import type { Jobs } from '../jobs/jobs.js'
import type { Live } from '../live/live.js'
import type { PageSettings } from '../options.js'
import type { Frame } from '../views/frame.js'

/** The parts of a page that all of its requests share. */
export interface Parts {
  readonly queue: Queue
  readonly settings: PageSettings
  readonly reads: Reads
  readonly groups: Groups
  readonly letters: Letters
  readonly waiting: Waiting
  readonly live: Live
  readonly jobs: Jobs
  readonly hide: Hide
}

/** One request that may be answered. */
export interface Context {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly address: Address
  readonly frame: Frame
  readonly parts: Parts
}

export type Route = (context: Context) => Promise<void>

const maxNameLength = 1_000

/** Reads which group a request is about. Throws a `Refusal` if it does not say. */
export function placeIn(fields: URLSearchParams): Place {
  const [topic, group] = [fields.get('topic') ?? '', fields.get('group') ?? '']
  if (topic === '' || group === '' || topic.length > maxNameLength || group.length > maxNameLength) {
    throw new Refusal(400, 'The topic or the group is missing.')
  }
  return { topic, group }
}

/** Reads a number of a page, counted from 1. */
export function pageIn(fields: URLSearchParams): number {
  const text = fields.get('page') ?? ''
  return /^[1-9]\d{0,5}$/.test(text) ? Number(text) : 1
}

const maxTextLength = 2_000

/** Reads a text that may be absent. */
export const textIn = (fields: URLSearchParams, name: string): string | undefined => {
  const text = fields.get(name)
  return text === null || text === '' ? undefined : text.slice(0, maxTextLength)
}
