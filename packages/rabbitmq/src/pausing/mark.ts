import type { GroupPause, GroupRef } from '@mq/core/adapter'

/** A group that is paused, as a message of ours says. */
export interface Mark extends GroupRef {
  readonly paused: GroupPause
}

/** A change of a group, as processes tell each other: it is paused now, or not any more. */
export interface Signal extends GroupRef {
  readonly paused: GroupPause | undefined
}

/** Names contain no space. */
export const keyOf = ({ topic, group }: GroupRef): string => `${topic} ${group}`

export function encodeSignal({ topic, group, paused }: Signal): Buffer {
  return Buffer.from(JSON.stringify({ topic, group, ...(paused && { since: paused.since, by: paused.by }) }))
}

/** Reads a signal. Returns undefined for what this adapter has not written. */
export function decodeSignal(content: Buffer): Signal | undefined {
  let value: unknown
  try {
    value = JSON.parse(content.toString())
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { topic, group, since, by } = value as Record<string, unknown>
  if (typeof topic !== 'string' || typeof group !== 'string') return undefined
  if (since === undefined && by === undefined) return { topic, group, paused: undefined }
  if (typeof since !== 'number' || !Number.isFinite(since) || typeof by !== 'string') return undefined
  return { topic, group, paused: { since, by } }
}

/** Reads a mark: a signal of a group that is paused. */
export function decodeMark(content: Buffer): Mark | undefined {
  const signal = decodeSignal(content)
  return signal?.paused === undefined ? undefined : { ...signal, paused: signal.paused }
}
