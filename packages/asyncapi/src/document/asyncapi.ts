import { MqError } from '@mq/core'
import { taskTopic } from '@mq/core/adapter'
import { brokerNames, formsOf } from '../brokers/forms.js'
import { headersFor, headersName } from '../brokers/headers.js'
import { type AsyncapiOptions, describedEvent, describedTask, requireOptions } from '../options.js'
import type { Builder } from './builder.js'
import { addEvent } from './events.js'
import { describeServers } from './servers.js'
import { addTasks } from './tasks.js'
import type { AsyncapiDocument } from './types.js'

/**
 * Describes events and tasks as an AsyncAPI 3.0 document: their channels and messages, what the application sends and receives, and how
 * each broker holds them. Nothing is connected.
 *
 * A message whose schema offers no JSON Schema has no payload, and `x-mq-no-schema` says why; see `missingSchemas`. See
 * docs/decisions/0014-asyncapi-from-definitions.md.
 *
 * Throws a `TypeError` or `MQ_INVALID_OPTION` if an option has a bad value or two definitions have one topic, and `MQ_INVALID_NAME` for
 * a name that cannot be a topic.
 */
export function asyncapi(options: AsyncapiOptions): AsyncapiDocument {
  requireOptions(options)
  const { title, version, description, events = [], tasks = [], prefixes = {} } = options
  const found = options.servers === undefined ? undefined : describeServers(options.servers)
  const brokers = options.brokers ?? found?.brokers ?? brokerNames
  const builder: Builder = {
    forms: formsOf(brokers, prefixes),
    channels: {},
    operations: {},
    messages: {},
    schemas: {},
    kinds: new Set(),
    toJsonSchema: options.toJsonSchema,
  }
  const describedEvents = events.map(describedEvent)
  const describedTasks = tasks.map(describedTask)
  requireOneOfEach([
    ...describedEvents.map(({ event }) => event.name),
    ...describedTasks.map(({ task }) => taskTopic(task.name)),
  ])
  for (const described of describedEvents) addEvent(builder, described)
  addTasks(builder, describedTasks)
  for (const kind of builder.kinds) {
    for (const [broker, form] of builder.forms) builder.schemas[headersName(broker, kind)] = headersFor(form, kind)
  }
  const { channels, operations, messages, schemas } = builder
  return {
    asyncapi: '3.0.0',
    info: { title, version, ...(description !== undefined && { description }) },
    defaultContentType: 'application/json',
    ...(found !== undefined && { servers: found.servers }),
    channels,
    operations,
    components: { messages, schemas },
  }
}

function requireOneOfEach(topics: readonly string[]): void {
  const twice = topics.find((topic, index) => topics.indexOf(topic) !== index)
  if (twice === undefined) return
  throw new MqError('MQ_INVALID_OPTION', `asyncapi() got two definitions of the topic '${twice}'`)
}
