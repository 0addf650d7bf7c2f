import type { JsonSchema } from '../schema/json-schema.js'
import type { Broker, BrokerForm } from './broker.js'
import type { Forms } from './forms.js'

/** The kind of a message, which decides what its headers have beside those of every message. */
export type MessageKind = 'event' | 'task' | 'reply'

const text = (description: string, format?: string): JsonSchema => ({
  type: 'string',
  ...(format !== undefined && { format }),
  description,
})

const always: Readonly<Record<string, JsonSchema>> = {
  specversion: { type: 'string', const: '1.0' },
  id: text('The id of the message. It stays the same through retries, dead letters and replays.'),
  source: text('Who has published it.', 'uri-reference'),
  type: text('The topic.'),
  time: text('The time of the publish.', 'date-time'),
}

const sometimes: Readonly<Record<string, JsonSchema>> = {
  datacontenttype: text('How the payload is encoded. JSON without it.'),
  partitionkey: text('The key: messages of one key keep their order, for groups that ask for it.'),
  correlationid: text('The id of the first message of the chain that led to this one.'),
  causationid: text('The id of the message during whose handling this one was published.'),
  traceparent: text('The W3C trace context.'),
  tracestate: text('The part of the W3C trace context that vendors add.'),
  tombstone: text('`true` with an empty payload: the message deletes its key.'),
}

const special: Readonly<Record<MessageKind, Readonly<Record<string, JsonSchema>>>> = {
  event: {},
  task: {
    taskreplyto: text('The scheduler that waits for the replies.'),
    taskdeadline: text('The time until which the task has to begin.', 'date-time'),
    taskcopy: text('Names the message among those that share the id of an idempotency key.'),
    taskoncems: text('How long that key stands for the id, in milliseconds.'),
  },
  reply: { taskreplyfor: text('The scheduler that the reply is for: the `taskreplyto` of the task.') },
}

/** Describes the headers that an adapter writes with a message of this kind. */
export function headersFor(form: BrokerForm, kind: MessageKind): JsonSchema {
  const written = Object.entries({ ...always, ...sometimes, ...special[kind] }).filter(([name]) => isHeader(form, name))
  return {
    type: 'object',
    description: form.headers,
    properties: Object.fromEntries(written.map(([name, schema]) => [form.attribute(name), schema])),
    required: Object.keys(always).map((name) => form.attribute(name)),
    additionalProperties: { type: 'string' },
  }
}

function isHeader({ protocol }: BrokerForm, attribute: string): boolean {
  // The content type of AMQP is a property. A tombstone of Kafka is a null value.
  if (protocol === 'amqp') return attribute !== 'datacontenttype'
  return protocol !== 'kafka' || attribute !== 'tombstone'
}

/** The name of the schema of headers among the components. No topic has a name like it. */
export const headersName = (broker: Broker, kind: MessageKind): string => `headers--${broker}--${kind}`

/** Refers to the headers of a message, which differ by broker. */
export function anyHeaders(forms: Forms, kind: MessageKind, reference: (name: string) => object): JsonSchema {
  return { type: 'object', anyOf: forms.map(([broker]) => reference(headersName(broker, kind))) }
}
