import { createHash } from 'node:crypto'
import { shown } from './checks/shown.js'
import { MqError } from './errors.js'

const namePattern = /^[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*$/

/** The longest name of a topic or a group, in characters. */
export const maxNameLength = 100

/**
 * Checks the name of a topic or a group: runs of letters and digits, joined by single `.`, `_` or `-`, at most 100 characters.
 * Throws a `TypeError` if the value is not a string, and `MQ_INVALID_NAME` if the string does not fit.
 */
export function requireName(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new TypeError(`The ${what} must be a string, not ${shown(value)}`)
  if (value.length > maxNameLength) {
    throw new MqError('MQ_INVALID_NAME', `The ${what} has ${value.length} characters; ${maxNameLength} are allowed`)
  }
  if (!namePattern.test(value)) {
    const rule = "use letters and digits, joined by single '.', '_' or '-', as in 'user.created'"
    throw new MqError('MQ_INVALID_NAME', `${shown(value)} cannot be the ${what}: ${rule}`)
  }
  return value
}

/**
 * Checks the group that a call names, or else the queue. There is no default group: services that share one would take each other's
 * messages. Throws a `TypeError` if no group is named.
 */
export function requireGroup(group: string | undefined): string {
  if (group === undefined) {
    throw new TypeError("No group: name one in the options, or for the whole queue in createQueue's options")
  }
  return requireName(group, 'group')
}

const ephemeralPrefix = 'ephemeral.'
const ephemeralPattern = /^ephemeral\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The name that an ephemeral subscription has in place of a group. `uuid` belongs to it alone. */
export const ephemeralGroup = (uuid: string): string => `${ephemeralPrefix}${uuid}`

/** Returns true for a name that `ephemeralGroup` made. */
export const isEphemeralGroup = (group: string): boolean => ephemeralPattern.test(group)

/** The topic of a task's messages. */
export const taskTopic = (task: string): string => `task.${task}`

/** The group of a task's workers. */
export const workersGroup = 'workers'

/** Every scheduler that waits for replies has an ephemeral subscription to it and ignores the replies for others. */
export const repliesTopic = 'task-replies'

/** Every scheduler with workers has an ephemeral subscription to it. */
export const controlTopic = 'task-control'

const schedulePrefix = 'schedule.'

/** The topic of a schedule's ticks. Nothing else is published to it. */
export const scheduleTopic = (schedule: string): string => `${schedulePrefix}${schedule}`

/** Returns the name of the schedule whose ticks are published to a topic. Returns undefined if it is another topic. */
export const scheduleOfTopic = (topic: string): string | undefined =>
  topic.startsWith(schedulePrefix) ? topic.slice(schedulePrefix.length) : undefined

/** The group of a schedule's replicas. */
export const replicasGroup = 'replicas'

/** Returns true for the group that hands out the ticks of a schedule. */
export const isOfSchedule = ({ topic, group }: { readonly topic: string; readonly group: string }): boolean =>
  group === replicasGroup && scheduleOfTopic(topic) !== undefined

/** The limit for names at a broker. It leaves room for a partition or tier suffix within Kafka's 249 characters and AMQP's 255 bytes. */
const maxBrokerNameLength = 200

/**
 * Makes one name at a broker of names that passed `requireName`, for example `brokerName(['q', topic, group])`.
 *
 * Two different lists never give the same name. The parts are joined by `--`, which no name contains. `_` is written `-_`, because
 * Kafka treats `a.b` and `a_b` as the same topic. A name of more than 200 characters is cut and ends in `---` and a SHA-256 of the
 * whole. See docs/decisions/0003-names-at-the-broker.md.
 */
export function brokerName(parts: readonly string[]): string {
  const name = parts.map((part) => part.replaceAll('_', '-_')).join('--')
  if (name.length <= maxBrokerNameLength) return name
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 40)
  return `${name.slice(0, maxBrokerNameLength - hash.length - 3)}---${hash}`
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const controlPattern = /[\u0000-\u0008\u000a-\u001f\u007f]/
const loneSurrogatePattern = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/

/** Returns false for a text with half of a surrogate pair: it cannot be written as UTF-8 and read back. */
export const isWellFormed = (text: string): boolean => !loneSurrogatePattern.test(text)

/** Returns true if a control character other than the tab occurs. */
export const hasControlCharacters = (text: string): boolean => controlPattern.test(text)

/** AMQP writes ids and keys as short strings. */
const maxIdBytes = 255

/** The control characters that Latin-1 adds. Terminals obey them as well. */
const moreControlPattern = /[\u0080-\u009f]/

/** Returns whether a text can be an id or a key. */
export const isShortText = (text: string): boolean =>
  text !== '' &&
  text.length <= maxIdBytes &&
  Buffer.byteLength(text) <= maxIdBytes &&
  !hasControlCharacters(text) &&
  !moreControlPattern.test(text) &&
  isWellFormed(text)

/** Checks an id or a key. Throws a `TypeError` if it is not a string, and `MQ_INVALID_OPTION` if it does not fit. */
export function requireShortText(value: unknown, name: string): string {
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string, not ${shown(value)}`)
  if (!isShortText(value)) {
    const rule = `must have 1 to ${maxIdBytes} bytes and no control characters`
    throw new MqError('MQ_INVALID_OPTION', `${name} ${rule}, not ${shown(value)}`)
  }
  return value
}

/**
 * Checks a CloudEvents `source`. RFC 3986 excludes spaces and control characters, and CloudEvents asks for nothing more.
 * Throws a `TypeError` if it is not a string, and `MQ_INVALID_OPTION` if it is not a URI reference.
 */
export function requireSource(source: unknown): string {
  if (typeof source !== 'string') throw new TypeError(`source must be a string, not ${shown(source)}`)
  if (!/^[\x21-\x7e]{1,255}$/.test(source)) {
    throw new MqError('MQ_INVALID_OPTION', `source must be a URI reference in ASCII, not ${shown(source)}`)
  }
  return source
}
