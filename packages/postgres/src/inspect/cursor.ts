import { MqError } from '@mq/core/adapter'

/** A place in a list that is sorted by a time and a row. The time is a text of the database, so that nothing is rounded. */
export interface Cursor {
  readonly at: string
  readonly row: string
}

const pattern = /^(-?\d{1,17})\/(\d{1,18})$/

/** The beginning of every list. Times are microseconds since 1970. */
const beginning: Cursor = { at: '-99999999999999999', row: '0' }

export const cursorText = ({ at, row }: Cursor): string => `${at}/${row}`

/** Throws `MQ_INVALID_OPTION` for a text that `cursorText` has not made. */
export function cursorOf(text: string | undefined): Cursor {
  if (text === undefined) return beginning
  const [, at, row] = pattern.exec(text) ?? []
  if (at === undefined || row === undefined) throw notACursor()
  return { at, row }
}

const notACursor = (): MqError => new MqError('MQ_INVALID_OPTION', 'after is not the next of a page of this list')
