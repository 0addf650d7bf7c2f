import type { EventDefinition, ForeignTopic } from '@mq/core'
import { bindingsOf, namesOf } from '../brokers/forms.js'
import type { DescribedEvent } from '../options.js'
import { addMessage, type Builder, toChannel, toMessage, toMessageOf } from './builder.js'

const foreignPart = (event: EventDefinition): Partial<ForeignTopic> => event as Partial<ForeignTopic>

/** Adds the channel of an event, its message, and what the application does with it. */
export function addEvent(builder: Builder, described: DescribedEvent): void {
  const { event, description, schema = event.schema, groups, publishes } = described
  const { name } = event
  const { at, decode } = foreignPart(event)
  const isForeign = at !== undefined
  addMessage(builder, {
    name,
    description,
    schema,
    contentType: isForeign ? contentTypeOf(decode) : 'application/json',
    kind: isForeign ? undefined : 'event',
    ...(event.key !== undefined && { more: { 'x-mq-keyed': true } }),
  })
  addChannel(builder, { name, description, at })
  if (publishes ?? !isForeign) addPublish(builder, name)
  for (const group of groups ?? [undefined]) addSubscribe(builder, { name, group, at })
}

interface ChannelParts {
  readonly name: string
  readonly description: string | undefined
  readonly at?: ForeignTopic['at'] | undefined
  readonly messages?: readonly string[]
}

/** Adds a channel with its names at the brokers. Brokers that have no such place are left out. */
export function addChannel(builder: Builder, { name, description, at, messages = [name] }: ChannelParts): void {
  const { forms } = builder
  builder.channels[name] = {
    address: typeof at === 'string' ? at : name,
    ...(description !== undefined && { description }),
    messages: Object.fromEntries(messages.map((message) => [message, toMessage(message)])),
    bindings: bindingsOf(forms, (form) => form.channel(name, at)?.binding),
    ...namesOf(forms, (form) => form.channel(name, at)?.names),
    ...(at !== undefined && { 'x-mq-foreign': true }),
  }
}

function addPublish({ forms, operations }: Builder, name: string): void {
  operations[`publish--${name}`] = {
    action: 'send',
    channel: toChannel(name),
    messages: [toMessageOf(name)],
    bindings: bindingsOf(forms, (form) => form.send()),
  }
}

interface SubscribeParts {
  readonly name: string
  readonly group: string | undefined
  readonly at: ForeignTopic['at'] | undefined
}

function addSubscribe(builder: Builder, { name, group, at }: SubscribeParts): void {
  const base = { action: 'receive', channel: toChannel(name), messages: [toMessageOf(name)] }
  const id = `subscribe--${name}`
  if (group === undefined) builder.operations[id] = base
  else builder.operations[`${id}--${group}`] = { ...base, ...ofGroup(builder, { topic: name, group, at }) }
}

/** Describes the group of an operation, with its names at the brokers. */
export function ofGroup(
  { forms }: Builder,
  place: { readonly topic: string; readonly group: string; readonly at?: ForeignTopic['at'] | undefined },
): object {
  const there = forms.filter(([, form]) => form.channel(place.topic, place.at) !== undefined)
  return {
    bindings: bindingsOf(there, (form) => form.receive(place).binding),
    'x-mq-group': place.group,
    ...namesOf(there, (form) => form.receive(place).names),
  }
}

const contentTypeOf = (decode: ForeignTopic['decode']): string | null =>
  ({ json: 'application/json', text: 'text/plain', bytes: 'application/octet-stream', none: null })[decode ?? 'none']
