import { createHash } from 'node:crypto'

/** As the scripts name the lane of a key; none for a message without one. */
export const laneOf = (key: string | undefined): string =>
  key === undefined ? '' : createHash('sha1').update(key).digest('hex')
