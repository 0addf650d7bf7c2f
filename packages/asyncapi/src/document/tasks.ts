import { type RetryOptions, type Task, taskCompleted, taskFailed } from '@mq/core'
import { repliesTopic, taskTopic, workersGroup } from '@mq/core/adapter'
import { bindingsOf } from '../brokers/forms.js'
import type { DescribedTask } from '../options.js'
import { addSchema } from '../schema/components.js'
import { offeredSchema } from '../schema/offered.js'
import { addMessage, type Builder, toChannel, toMessageOf } from './builder.js'
import { addChannel, addEvent, ofGroup } from './events.js'
import { replySchema, taskEventSchemas } from './own-schemas.js'
import type { DocumentPart } from './types.js'

const replyName = (task: string): string => `reply--${task}`

/** Adds the channels of tasks, that of their replies, and those of the events that they publish at their end. */
export function addTasks(builder: Builder, tasks: readonly DescribedTask[]): void {
  if (tasks.length === 0) return
  for (const described of tasks) addTask(builder, described)
  addChannel(builder, {
    name: repliesTopic,
    description:
      'The replies to the callers of tasks. Each caller has a group of its own and ignores those for others.',
    messages: tasks.map(({ task }) => replyName(task.name)),
  })
  for (const event of [taskCompleted, taskFailed]) {
    const kind = event.name.slice('task.'.length)
    const isPublished = tasks.some(({ task }) => (task as Partial<Task>).events?.some((name) => name === kind))
    if (isPublished && !(event.name in builder.channels))
      addEvent(builder, { event, schema: taskEventSchemas[event.name] })
  }
}

function addTask(builder: Builder, described: DescribedTask): void {
  const { task, description, input = task.input } = described
  const topic = taskTopic(task.name)
  addMessage(builder, { name: topic, description, schema: input, kind: 'task' })
  addReply(builder, described)
  addChannel(builder, { name: topic, description })
  const { operations, forms } = builder
  const base = {
    channel: toChannel(topic),
    messages: [toMessageOf(topic)],
    reply: { channel: toChannel(repliesTopic), messages: [toMessageOf(repliesTopic, replyName(task.name))] },
  }
  operations[`enqueue--${task.name}`] = {
    action: 'send',
    ...base,
    bindings: bindingsOf(forms, (form) => form.send()),
  }
  operations[`run--${task.name}`] = {
    action: 'receive',
    ...base,
    ...ofGroup(builder, { topic, group: workersGroup }),
    ...policyOf(task as Partial<Task>),
  }
}

function addReply(builder: Builder, { task, result }: DescribedTask): void {
  const name = replyName(task.name)
  const offered = offeredSchema(result, builder.toJsonSchema)
  const isKnown = 'schema' in offered
  const reference = isKnown ? addSchema(builder.schemas, `${name}--result`, offered.schema) : {}
  addMessage(builder, {
    name,
    description: `How the task '${task.name}' has ended, or how far it is.`,
    schema: replySchema(task.name, reference),
    contentType: 'application/octet-stream',
    kind: 'reply',
    more: {
      correlationId: { location: '$message.payload#/id', description: 'The id of the task.' },
      ...(!isKnown && { 'x-mq-no-result-schema': `The result is not described: ${offered.missing}.` }),
    },
  })
}

/** Describes what the task says about retries and time limits. Functions have no form in a document. */
function policyOf({ retry, timeoutMs }: Partial<Task>): DocumentPart {
  return {
    ...(retry !== undefined && { 'x-mq-retry': retry === false ? { attempts: 1 } : retryOf(retry) }),
    ...(timeoutMs !== undefined && { 'x-mq-timeout-ms': timeoutMs }),
  }
}

const retryOf = ({ rules: _, ...options }: RetryOptions): DocumentPart =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined && typeof value !== 'function'))
