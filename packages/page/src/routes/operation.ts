import { requireOwnForm } from '../access/form-token.js'
import type { Place } from '../broker/entries.js'
import { linkTo } from '../http/address.js'
import { readForm } from '../http/form.js'
import { Refusal } from '../http/refusal.js'
import type { Operation } from '../options.js'
import type { Context } from './context.js'

const formTimeoutMs = 10_000
const maxFormBytes = 512 * 1024

/** Names of the operations for those who may not carry them out. */
const words: Readonly<Record<Operation, string>> = {
  replay: 'replay dead letters',
  edit: 'edit dead letters',
  purge: 'purge dead letters',
  pause: 'pause or resume groups',
  remove: 'remove messages',
  runNow: 'run messages before they are due',
  cancel: 'cancel tasks',
}

/**
 * Reads the form of an operation. Throws a `Refusal` if the person may not carry it out, or if this page has not made the form. The first
 * is decided before anything is read.
 */
export async function operationForm(
  context: Context,
  operation: Operation,
  maxBytes = maxFormBytes,
): Promise<URLSearchParams> {
  const { req, frame } = context
  if (!frame.viewer.may(operation)) throw new Refusal(403, `You may not ${words[operation]} here.`)
  const form = await readForm(req, { maxBytes, timeoutMs: formTimeoutMs })
  requireOwnForm(req, form)
  return form
}

const maxEntries = 1_000
const maxEntryLength = 1_000

/** Reads which messages were chosen. Throws a `Refusal` if there are none or too many. */
export function entriesIn(form: URLSearchParams): readonly string[] {
  const ids = form.getAll('entry')
  if (ids.length === 0) throw new Refusal(400, 'No message was chosen.')
  if (ids.length > maxEntries || ids.some((id) => id.length > maxEntryLength)) {
    throw new Refusal(413, `At most ${maxEntries} messages can be chosen.`)
  }
  return ids
}

/** Does something at the broker. Throws a `Refusal` with the broker's reason if it fails. */
export async function carriedOut<T>({ parts: { reads } }: Context, work: () => Promise<T>): Promise<T> {
  const { value, problem } = await reads.read(work)
  if (problem === undefined) return value as T
  throw new Refusal(problem.code === 'MQ_TIMEOUT' ? 503 : 409, `${problem.code ?? 'Failed'}: ${problem.text}`)
}

/** Forgets what was read of a group, because an operation has changed it. */
export function changed({ parts }: Context, place: Place): void {
  parts.groups.forget(place.topic, place.group)
  parts.letters.forget(place)
  parts.waiting.forget(place)
}

/** The link to a group with a word about what was done. */
export const doneLink = (
  { frame }: Context,
  place: Place,
  list: string | undefined,
  done: string,
  count?: number,
): string =>
  linkTo(frame.base, '/group', { ...place, list, done, count: count === undefined ? undefined : String(count) })
