import { requireOptions } from '../contract/checks/options.js'
import { shown } from '../contract/checks/shown.js'
import { hasControlCharacters, isWellFormed } from '../contract/checks/text.js'
import { MqError } from '../contract/errors.js'
import { emptyHeaders, headerBytes, type MessageHeaders } from '../contract/headers.js'

/** CloudEvents extensions have to be short, because every broker takes them beside body and headers. */
const maxCount = 16
const maxBytes = 4 * 1024

const namePattern = /^[a-z0-9]{1,20}$/
/** The attributes that every message has, and the names under which formats of CloudEvents hold the data. */
const taken = ['id', 'source', 'type', 'specversion', 'time', 'datacontenttype', 'partitionkey', 'data', 'constructor']

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
  const rule = 'use 1 to 20 lower-case letters and digits, and no attribute that every message has'
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
