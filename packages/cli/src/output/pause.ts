import type { GroupPause } from '@mq/core'
import { shortened } from './escape.js'
import { isoTime, shownTime } from './show.js'

/** Shows since when and by whom a group is paused. */
export const shownPause = (paused: GroupPause | undefined): string =>
  paused === undefined ? '-' : `since ${shownTime(paused.since)} by ${shortened(paused.by, 60)}`

export const pauseJson = (paused: GroupPause | undefined) =>
  paused === undefined ? null : { since: isoTime(paused.since), by: paused.by }
