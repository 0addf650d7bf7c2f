import type { QueueHealth } from '@mq/core'
import type { Viewer } from '../access/user.js'
import type { Operation } from '../options.js'

/** The surroundings of each part of the page. */
export interface Frame {
  readonly base: string
  readonly title: string
  /** The name of the adapter, `redis` for example. */
  readonly broker: string
  readonly health: QueueHealth
  readonly viewer: Viewer
  /** The token for the forms of this browser. */
  readonly token: string
  readonly hasScheduler: boolean
  readonly now: number
}

/** The part of the page that is shown, for its head. */
export interface Shell {
  readonly heading: string
  readonly here: 'overview' | 'tasks' | 'schedules' | 'other'
  /** The query of the live events of this part. Undefined if it has none. */
  readonly live?: string | undefined
}

export const may = ({ viewer }: Frame, operation: Operation): boolean => viewer.may(operation)
