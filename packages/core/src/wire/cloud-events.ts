import { shown } from '../contract/checks/shown.js'
import { MqError } from '../contract/errors.js'
import { emptyHeaders, type MessageHeaders } from '../contract/headers.js'
import type { RawMessage, Writable } from '../contract/message.js'
import { timeMs, timeText } from './time.js'

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
 * allow are ignored. Throws `MQ_UNDECODABLE` for a `specversion` other than 1.x.
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
    id: id || defaults.id,
    source: source || '/unknown',
    type: type || defaults.topic,
    time: time && !Number.isNaN(timeMs(time)) ? time : timeText(defaults.timeMs),
    extensions: extensionsFrom(attributes),
    headers: content.headers,
    body: content.body,
  }
  if (datacontenttype) message.contentType = datacontenttype
  if (partitionkey) message.key = partitionkey
  return message
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
