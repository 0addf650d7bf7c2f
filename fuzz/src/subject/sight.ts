import type { DeadLetter, Failure, Message } from '@mq/core'
import type { RawMessage } from '@mq/core/adapter'

/** A message that is none of ours, as it came to a handler or into the dead letters. */
export interface Sighting {
  readonly topic: string
  /** Cut to what is needed to know it again. */
  readonly id: string
  readonly idBytes: number
  readonly entryId?: string
  readonly marks: readonly string[]
  readonly attempt: number
  /** Of a dead letter. */
  readonly failure?: Failure
}

/** What a subject has seen since it was opened, or was asked the last time. */
export interface Sight {
  /** The attempts of each canary's runs, by id; with the topic in front. */
  readonly canaries: Readonly<Record<string, readonly number[]>>
  readonly sightings: readonly Sighting[]
  /** Texts of `error`, `data-loss` and `state` events, and of log lines. */
  readonly errors: readonly string[]
  readonly logs: readonly string[]
  /** Events that say what is going on: `error` and `data-loss` by topic. */
  readonly eventCount: number
  /** What no handler of errors took. */
  readonly uncaught: readonly string[]
  /** Texts with a password, wherever an application can print them. */
  readonly leaks: readonly string[]
  readonly health: { readonly status: string; readonly consumers: readonly string[]; readonly lastError?: string }
  readonly rssBytes: number
  readonly cpuMs: number
  readonly elapsedMs: number
  /** Steps that askers of tasks have read. */
  readonly steps: readonly { readonly fraction: number; readonly noteLength: number; readonly attempt: number }[]
  readonly results: Readonly<Record<string, string>>
  readonly ticks: number
  readonly instance: string
  readonly runningTask: string
}

/** A dead letter, as far as an oracle asks. */
export interface Letter extends Sighting {
  readonly entryId: string
  readonly failure: Failure
  /** Where the message is, if only its beginning was kept. Its replay is refused, and the error says this place. */
  readonly wholeAt?: string | undefined
}

/** As the README of @mq/kafka names it. */
const stubHeader = 'mq-stub'
const markPattern = /~fz[0-9a-z.]+~/g
const maxShown = 600
const maxLooked = 64 * 1024

/** Marks wherever they may stand. */
function marksOf(message: Omit<RawMessage, 'body' | 'time'>, body: Uint8Array | undefined): readonly string[] {
  const { id, source, type, key = '', headers, extensions } = message
  const texts = [id, source, type, key]
  for (const fields of [headers, extensions]) {
    for (const name of Object.keys(fields).slice(0, 200)) texts.push(name, String(fields[name]).slice(0, maxLooked))
  }
  if (body !== undefined)
    texts.push(Buffer.from(body.buffer, body.byteOffset, Math.min(body.byteLength, maxLooked)).toString('latin1'))
  return [...new Set(texts.flatMap((text) => text.match(markPattern) ?? []))]
}

const shortId = (id: string): string => id.slice(0, maxShown)

/** A message that came to a handler, as an oracle sees it. */
export function sightingOf({ topic, attempt, data, id, source, type, key, headers, extensions }: Message): Sighting {
  const body = data instanceof Uint8Array ? data : Buffer.from(textOf(data))
  const marks = marksOf({ id, source, type, headers, extensions, ...(key !== undefined && { key }) }, body)
  return { topic, id: shortId(id), idBytes: Buffer.byteLength(id), marks, attempt }
}

/** The dead letters of a topic, as an oracle sees them. */
export const lettersFrom = (topic: string, found: readonly DeadLetter[]): readonly Letter[] =>
  found.map(({ entryId, failure, message }) => ({
    topic,
    id: shortId(message.id),
    idBytes: Buffer.byteLength(message.id),
    entryId,
    marks: marksOf(message, message.body),
    attempt: failure.attempts,
    failure,
    ...(message.headers[stubHeader] !== undefined && { wholeAt: message.headers[stubHeader] }),
  }))

function textOf(data: unknown): string {
  try {
    return JSON.stringify(data)?.slice(0, maxLooked) ?? ''
  } catch {
    return ''
  }
}
