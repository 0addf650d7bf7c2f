import { type MessageState, MqError } from '@mq/core/adapter'
import { isEntryId } from '../wire/entry-id.js'

/** The parts of a list, in their order. Each is a place at the broker that holds messages of this state. */
export const partsOf = {
  ready: ['aside-retry', 'aside', 'retry', 'due', 'stream', 'topic'],
  delayed: ['delayed'],
  retrying: ['retrying'],
  inFlight: ['running'],
} as const satisfies Record<MessageState, readonly string[]>

export type ListPart = (typeof partsOf)[MessageState][number]

/** The place of an entry in a list. The next page begins behind it. */
export interface Cursor {
  readonly part: ListPart
  /** The score of a sorted set, or when a run began. */
  readonly at: string
  /** The id of an entry, or the member of a sorted set as Latin-1. */
  readonly name: string
}

/** The kind of a message in flight stands before its id. */
const runningName = /^[mr](?=\d)/

export const writeCursor = ({ part, at, name }: Cursor): string => `${part}/${at}/${name}`

/** Rejects a text that is no `next` of a list of this state. */
export function readCursor(text: string, state: MessageState): Cursor {
  const [, part = '', at = '', name = ''] = /^([a-z-]+)\/([^/]*)\/(.+)$/s.exec(text) ?? []
  const parts: readonly string[] = partsOf[state]
  if (!parts.includes(part) || !isPlace(part, at, name)) {
    throw new MqError('MQ_INVALID_OPTION', 'after is not the next of a page of this list')
  }
  return { part: part as ListPart, at, name }
}

function isPlace(part: string, at: string, name: string): boolean {
  switch (part) {
    case 'running':
      return isNumber(at) && runningName.test(name) && isEntryId(name.slice(1))
    case 'due':
    case 'topic':
    case 'delayed':
    case 'retrying':
      return isNumber(at) && Buffer.from(name, 'latin1').toString('latin1') === name
    default:
      return at === '' && isEntryId(name)
  }
}

const isNumber = (text: string): boolean => text !== '' && Number.isFinite(Number(text))
