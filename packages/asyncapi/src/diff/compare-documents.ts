import type { AsyncapiDocument } from '../document/types.js'
import { isObject } from '../schema/json-schema.js'
import type { Change } from './change.js'
import { isEqual, isSameSchema } from './equal.js'
import { type PayloadChange, payloadChanges } from './payload-changes.js'
import { resolver } from './references.js'

type Part = Readonly<Record<string, unknown>>

/** A document with its references. */
interface Side {
  readonly channels: Part
  readonly operations: Part
  readonly resolve: (value: unknown) => unknown
}

/**
 * Compares two documents of AsyncAPI 3: their channels, messages, payloads and groups. Headers, bindings, servers and descriptions are not
 * compared, apart from the names that channels have at the brokers. The changes are in the order of the channels, and those that break
 * nobody are among them.
 */
export function compareDocuments(before: AsyncapiDocument, after: AsyncapiDocument): readonly Change[] {
  const [one, other] = [sideOf(before), sideOf(after)]
  const names = new Set([...Object.keys(one.channels), ...Object.keys(other.channels)])
  return [...names].flatMap((channel) => {
    const [old, now] = [partOf(one, one.channels[channel]), partOf(other, other.channels[channel])]
    const change = (breaks: Change['breaks'], text: string): Change => ({ breaks, channel, path: '', text })
    if (now === undefined) return [change('both', 'is gone')]
    if (old === undefined) return [change('nobody', 'is new')]
    const moved = placeChange(old, now)
    return [
      ...(moved === undefined ? [] : [change('both', moved)]),
      ...messageChanges({ side: one, part: old }, { side: other, part: now }, channel),
      ...groupChanges(groupsOf(one, channel), groupsOf(other, channel)).map((text) => change('nobody', text)),
    ]
  })
}

function sideOf(document: AsyncapiDocument): Side {
  const { channels, operations } = document
  return {
    channels: isObject(channels) ? channels : {},
    operations: isObject(operations) ? operations : {},
    resolve: resolver(document),
  }
}

function partOf({ resolve }: Side, value: unknown): Part | undefined {
  const found = resolve(value)
  return isObject(found) ? found : undefined
}

/** Says where a channel is now, if its name at a broker has changed. A broker that only one document knows does not count. */
function placeChange(old: Part, now: Part): string | undefined {
  const [before, after] = [placesOf(old), placesOf(now)]
  for (const [where, name] of Object.entries(before)) {
    const found = after[where]
    if (found !== undefined && !isEqual(found, name))
      return `was at ${JSON.stringify(name)}, and is at ${JSON.stringify(found)}`
  }
  return undefined
}

function placesOf({ address, bindings, 'x-mq-redis': redis }: Part): Part {
  const { kafka, amqp } = (isObject(bindings) ? bindings : {}) as Readonly<Record<string, Part | undefined>>
  const queue = amqp?.queue ?? amqp?.exchange
  return {
    ...(typeof address === 'string' && { address }),
    ...(kafka?.topic !== undefined && { kafka: kafka.topic }),
    ...(isObject(queue) && { amqp: queue.name }),
    ...(isObject(redis) && { redis: redis.stream }),
  }
}

interface Channel {
  readonly side: Side
  readonly part: Part
}

function messageChanges(before: Channel, after: Channel, channel: string): readonly Change[] {
  const [old, now] = [messagesOf(before), messagesOf(after)]
  const isOne = Object.keys(old).length === 1 && Object.keys(now).length === 1
  const names = new Set([...Object.keys(old), ...Object.keys(now)])
  return [...names].flatMap((message): readonly Change[] => {
    const named = { channel, ...(!(isOne && message === channel) && { message }) }
    const [one, other] = [old[message], now[message]]
    if (other === undefined) return [{ ...named, breaks: 'readers', path: '', text: 'is gone' }]
    if (one === undefined) return [{ ...named, breaks: 'nobody', path: '', text: 'is new' }]
    return changesOf({ ...before, part: one }, { ...after, part: other }).map((change) => ({ ...named, ...change }))
  })
}

const messagesOf = ({ side, part }: Channel): Readonly<Record<string, Part>> =>
  Object.fromEntries(
    Object.entries(isObject(part.messages) ? part.messages : {}).flatMap(([name, value]) => {
      const message = partOf(side, value)
      return message === undefined ? [] : [[name, message]]
    }),
  )

function changesOf(before: Channel, after: Channel): readonly PayloadChange[] {
  const [old, now] = [before.part, after.part]
  const found: PayloadChange[] = []
  if (old.contentType !== now.contentType && old.contentType !== undefined && now.contentType !== undefined) {
    found.push({ breaks: 'both', path: '', text: `was ${old.contentType}, and is ${now.contentType}` })
  }
  if (old.payload === undefined && now.payload === undefined) return found
  if (old.payload === undefined)
    return [...found, { breaks: 'nobody', path: '', text: 'has a schema now, and had none to compare' }]
  if (now.payload === undefined) {
    return [...found, { breaks: 'both', path: '', text: 'has no schema any more, so nothing is known of its payload' }]
  }
  const [one, other] = [schemaOf(before), schemaOf(after)]
  if (one.isJsonSchema && other.isJsonSchema) return [...found, ...payloadChanges(one, other)]
  const isSame = isSameSchema(one.payload, other.payload, { resolveWritten: one.resolve, resolveRead: other.resolve })
  return isSame ? found : [...found, { breaks: 'both', path: '', text: 'has changed in a way that is not compared' }]
}

/** Returns the schema of a payload, which may be wrapped with the name of its format. */
function schemaOf({ side, part }: Channel) {
  const payload = side.resolve(part.payload)
  const isWrapped = isObject(payload) && typeof payload.schemaFormat === 'string' && 'schema' in payload
  return {
    payload: isWrapped ? payload.schema : part.payload,
    resolve: side.resolve,
    isJsonSchema: !isWrapped || /^application\/(?:schema|vnd\.aai\.asyncapi)\b/.test(String(payload.schemaFormat)),
  }
}

function groupsOf({ operations, resolve }: Side, channel: string): ReadonlySet<string> {
  const found = Object.values(operations).flatMap((value) => {
    const operation = resolve(value)
    if (!isObject(operation) || operation.action !== 'receive') return []
    const { channel: reference, 'x-mq-group': group } = operation
    const isHere = isObject(reference) && reference.$ref === `#/channels/${channel}`
    return isHere && typeof group === 'string' ? [group] : []
  })
  return new Set(found)
}

const groupChanges = (old: ReadonlySet<string>, now: ReadonlySet<string>): readonly string[] => [
  ...[...old].filter((group) => !now.has(group)).map((group) => `the group '${group}' is gone`),
  ...[...now].filter((group) => !old.has(group)).map((group) => `the group '${group}' is new`),
]
