import type { DeadLetter, Failure, MessageState, RawMessage, WaitingMessage } from '@mq/core'
import type { Hide } from '../hiding/hider.js'

/** A message of a group as the page may show it. */
export interface Entry {
  /** Names the entry for operations. */
  readonly entryId: string
  readonly state: MessageState | 'dead'
  readonly id: string
  /** True if the id is shown as it is, so that a task can be looked up by it. */
  readonly isIdWhole: boolean
  readonly key: string | undefined
  readonly type: string
  readonly source: string
  readonly time: string
  readonly contentType: string | undefined
  readonly bytes: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly extensions: readonly (readonly [name: string, value: string])[]
  readonly data: unknown
  readonly isHidden: boolean
  readonly isTombstone: boolean
  /** The run to come, or the one in flight. Undefined for a dead letter. */
  readonly attempt: number | undefined
  readonly failure: Failure | undefined
  readonly dueAt: number | undefined
  readonly startedAt: number | undefined
}

export interface Place {
  readonly topic: string
  readonly group: string
}

/** Makes the entry of a message that waits. */
export const waitingEntry = (one: WaitingMessage, { topic }: Place, hide: Hide): Entry => ({
  ...common(one, topic, hide),
  state: one.state,
  attempt: one.attempt,
  dueAt: one.dueAt,
  startedAt: one.startedAt,
})

/** Makes the entry of a dead letter. */
export const deadEntry = (letter: DeadLetter, { topic }: Place, hide: Hide): Entry => ({
  ...common(letter, topic, hide),
  state: 'dead',
  attempt: undefined,
  dueAt: undefined,
  startedAt: undefined,
})

interface Listed {
  readonly entryId: string
  readonly message: RawMessage
  readonly data: unknown
  readonly tombstone: boolean
  readonly failure?: Failure | undefined
}

function common({ entryId, message, data, tombstone, failure }: Listed, topic: string, hide: Hide) {
  const shown = hide(tombstone ? null : data, topic)
  const isUnreadable = data === undefined && !tombstone && !shown.isHidden
  const texts = (record: Readonly<Record<string, string>>) =>
    Object.entries(record).map(([name, value]) => [name, shown.text(value)] as const)
  const id = shown.text(message.id)
  return {
    entryId,
    id,
    isIdWhole: id === message.id,
    key: message.key === undefined ? undefined : shown.text(message.key),
    type: message.type,
    source: message.source,
    time: message.time,
    contentType: message.contentType,
    bytes: message.body.length,
    headers: texts(message.headers),
    extensions: texts(message.extensions),
    // Bytes that cannot be decoded are shown as they were found.
    data: isUnreadable ? message.body : shown.data,
    isHidden: shown.isHidden,
    isTombstone: tombstone,
    failure: failure && withHidden(failure, shown.text),
  }
}

function withHidden(failure: Failure, hidden: (text: string) => string): Failure {
  const { name, message, code, stack } = failure.error
  return {
    ...failure,
    error: {
      name: hidden(name),
      message: hidden(message),
      ...(code !== undefined && { code: hidden(code) }),
      ...(stack !== undefined && { stack: hidden(stack) }),
    },
  }
}
