import { requireOptions } from '../contract/checks/options.js'
import { shown } from '../contract/checks/shown.js'
import { MqError } from '../contract/errors.js'
import { emptyHeaders, headerBytes, type MessageHeaders } from '../contract/headers.js'
import type { RawMessage, Writable } from '../contract/message.js'
import { hasControlCharacters, isWellFormed } from '../contract/names.js'
import { boundedId, boundedText } from './foreign-text.js'
import { tombstoneAttribute } from './tombstone.js'

/**
 * Returns the CloudEvents 1.0 attributes of a message by their names in the specification. An adapter writes them in the way of its
 * protocol, such as `ce_id` in Kafka and `cloudEvents:id` in AMQP.
 */
export function attributesOf(message: RawMessage): Record<string, string> {
  const { id, source, type, time, contentType, key, extensions } = message
  return {
    ...extensions,
    specversion: '1.0',
    id,
    source,
    type,
    time,
    ...(contentType !== undefined && { datacontenttype: contentType }),
    ...(key !== undefined && { partitionkey: key }),
  }
}

/** The values of attributes that another program did not write. */
export interface AttributeDefaults {
  readonly id: string
  readonly topic: string
  /** The time at which the broker took the message, in milliseconds since 1970. */
  readonly timeMs: number
}

const attributeName = /^[a-z0-9]{1,64}$/
const ownNames: ReadonlySet<string> = new Set([
  'specversion',
  'id',
  'source',
  'type',
  'time',
  'datacontenttype',
  'partitionkey',
])

/**
 * Makes a message from its attributes. Attributes may be missing. Unknown ones become extensions, and names that CloudEvents does not
 * allow are ignored. An id that a publish would refuse is replaced by one that it takes. The other texts that every message has are cut
 * to 1,024 bytes, with escaped control characters. Throws `MQ_UNDECODABLE` for a `specversion` other than 1.x.
 */
export function messageFromAttributes(
  attributes: Readonly<Record<string, string | undefined>>,
  content: { readonly headers: MessageHeaders; readonly body: Uint8Array },
  defaults: AttributeDefaults,
): RawMessage {
  const { specversion, id, source, type, time, datacontenttype, partitionkey } = attributes
  if (specversion !== undefined && specversion !== '1.0' && !/^1\.\d+$/.test(specversion)) {
    throw new MqError('MQ_UNDECODABLE', `CloudEvents version ${shown(specversion)} is not known; 1.0 is`)
  }
  const message: Writable<RawMessage> = {
    id: id && isPlain(id) ? id : boundedId(id || defaults.id),
    source: source ? (isPlain(source) ? source : boundedText(source)) : '/unknown',
    type: type ? (isPlain(type) ? type : boundedText(type)) : defaults.topic,
    time: time ? timeOf(time, defaults) : timeText(defaults.timeMs),
    extensions: extensionsFrom(attributes),
    headers: content.headers,
    body: content.body,
  }
  if (datacontenttype) message.contentType = datacontenttype
  if (partitionkey) message.key = partitionkey
  return message
}

/** Returns true for a short text of printable ASCII, which nearly every attribute is. It needs no bound and no escape. */
const isPlain = (text: string): boolean => text.length <= 255 && /^[\x20-\x7e]*$/.test(text)

/** The form of RFC 3339. `Date.parse` also takes comments of any length. */
const timePattern = /^[\dTtZz:.+-]{1,64}$/

function timeOf(text: string, defaults: AttributeDefaults): string {
  const ms = timeMs(text)
  if (Number.isNaN(ms)) return timeText(defaults.timeMs)
  return lastRead.isPlain ? text : timeText(ms)
}

function extensionsFrom(attributes: Readonly<Record<string, string | undefined>>): MessageHeaders {
  let extensions: Record<string, string> | undefined
  for (const name in attributes) {
    if (ownNames.has(name)) continue
    const value = attributes[name]
    if (value === undefined || !attributeName.test(name)) continue
    extensions ??= Object.create(null) as Record<string, string>
    extensions[name] = value
  }
  return extensions === undefined ? emptyHeaders : Object.freeze(extensions)
}

let lastMade = { ms: Number.NaN, text: '' }
let lastRead = { text: '', ms: Number.NaN, isPlain: false }

/** RFC 3339 has four digits for the year. */
const minMs = Date.parse('0000-01-01T00:00:00.000Z')
const maxMs = Date.parse('9999-12-31T23:59:59.999Z')

/**
 * Writes a time as RFC 3339. Never throws: times out of range are clamped to the years 0 to 9999, because brokers report arbitrary
 * numbers for foreign messages. The last text is cached: many messages are published within a millisecond, and writing the text takes
 * longer than the rest of the envelope.
 */
export function timeText(ms: number): string {
  if (ms !== lastMade.ms) lastMade = { ms, text: new Date(nearest(ms)).toISOString() }
  return lastMade.text
}

/**
 * Reads a time, in milliseconds since 1970. Returns NaN if the text is not a time. The last result is cached, because consecutive
 * messages usually share a timestamp.
 */
export function timeMs(text: string): number {
  if (text !== lastRead.text) lastRead = { text, ms: Date.parse(text), isPlain: timePattern.test(text) }
  return lastRead.ms
}

const nearest = (ms: number): number => (Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, minMs), maxMs))

/** CloudEvents extensions have to be short, because every broker takes them beside body and headers. */
const maxCount = 16
const maxBytes = 4 * 1024

const namePattern = /^[a-z0-9]{1,20}$/
/** The attributes that every message has, and the names under which formats of CloudEvents hold the data. */
const taken = [
  'id',
  'source',
  'type',
  'specversion',
  'time',
  'datacontenttype',
  'partitionkey',
  'data',
  tombstoneAttribute,
  'constructor',
]

/**
 * Returns a frozen copy without a prototype, on top of what the message being handled passes on. Throws a `TypeError` if the value is
 * not an object of strings. Throws `MQ_INVALID_HEADER` for a name or a value that CloudEvents does not allow, for more than 16
 * extensions and for more than 4 KiB.
 */
export function requireExtensions(value: unknown, inherited?: MessageHeaders): MessageHeaders {
  if (value === undefined) return inherited ?? emptyHeaders
  requireOptions(value, 'extensions')
  const entries = Object.entries(inherited === undefined ? (value as object) : { ...inherited, ...(value as object) })
  if (entries.length > maxCount) {
    throw new MqError('MQ_INVALID_HEADER', `${entries.length} extensions; at most ${maxCount} are allowed`)
  }
  const extensions: Record<string, string> = Object.create(null)
  for (const [name, content] of entries) extensions[requireExtensionName(name)] = requireExtensionValue(name, content)
  const bytes = headerBytes(extensions)
  if (bytes > maxBytes) {
    throw new MqError('MQ_INVALID_HEADER', `The extensions take ${bytes} bytes; at most ${maxBytes} are allowed`)
  }
  return Object.freeze(extensions)
}

function requireExtensionName(name: string): string {
  if (namePattern.test(name) && !taken.includes(name)) return name
  const rule =
    name === tombstoneAttribute
      ? 'publishTombstone sets it'
      : 'use 1 to 20 lower-case letters and digits, and no attribute that every message has'
  throw new MqError('MQ_INVALID_HEADER', `${shown(name)} cannot be the name of an extension: ${rule}`)
}

function requireExtensionValue(name: string, value: unknown): string {
  if (typeof value !== 'string')
    throw new TypeError(`The extension ${shown(name)} must be a string, not ${shown(value)}`)
  if (value === '' || hasControlCharacters(value) || !isWellFormed(value)) {
    const rule = 'must not be empty, nor contain a control character or half of a surrogate pair'
    throw new MqError('MQ_INVALID_HEADER', `The extension ${shown(name)} ${rule}`)
  }
  return value
}

/** The CloudEvents extension of a message that one group alone handles. See docs/decisions/0010-edited-dead-letters.md. */
const onlyGroupAttribute = 'onlygroup'

/** Returns whether the message is for another group. */
export function isForAnotherGroup({ extensions }: RawMessage, group: string): boolean {
  const only = extensions[onlyGroupAttribute]
  return only !== undefined && only !== group
}

/** Returns the extensions of a changed copy of a message, which only one group is to handle. */
export function onlyForGroup({ id, extensions }: RawMessage, group: string): MessageHeaders {
  const { correlationid = id } = extensions
  return { ...extensions, correlationid, causationid: id, [onlyGroupAttribute]: group }
}
