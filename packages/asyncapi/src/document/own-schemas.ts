import type { JsonSchema } from '../schema/json-schema.js'

const id: JsonSchema = { type: 'string', description: 'The id of the task.' }
const count: JsonSchema = { type: 'integer', minimum: 1 }

const failure: JsonSchema = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    message: { type: 'string' },
    code: { type: 'string' },
    attempts: { type: 'integer', minimum: 0, description: 'How many runs failed.' },
  },
  required: ['name', 'message', 'attempts'],
}

const step: JsonSchema = {
  type: 'object',
  description: 'How far the task is.',
  properties: {
    number: count,
    attempt: count,
    fraction: { type: 'number', minimum: 0, maximum: 1 },
    note: { type: 'string' },
  },
  required: ['number', 'attempt', 'fraction'],
}

/** The data of the events that tasks publish at their end. */
export const taskEventSchemas: Readonly<Record<string, JsonSchema>> = {
  'task.completed': {
    type: 'object',
    properties: { id, task: { type: 'string' }, attempt: count, result: {} },
    required: ['id', 'task', 'attempt'],
  },
  'task.failed': {
    type: 'object',
    properties: { id, task: { type: 'string' }, failure },
    required: ['id', 'task', 'failure'],
  },
}

/** Describes what is sent to the caller of a task: its progress, and how it has ended. */
export function replySchema(task: string, result: object): JsonSchema {
  const ended = (status: string, more: Readonly<Record<string, object>> = {}): JsonSchema => ({
    type: 'object',
    properties: { status: { const: status }, id, ...more, step },
    required: ['status', 'id', ...Object.keys(more).filter((name) => name !== 'result')],
  })
  const named = { task: { const: task } }
  return {
    description: 'The body is JSON in UTF-8. Its content type says bytes, so that other callers can ignore it unread.',
    oneOf: [
      ended('completed', { ...named, result }),
      ended('failed', { ...named, failure }),
      ended('cancelled'),
      { type: 'object', properties: { status: { const: 'progress' }, id, step }, required: ['status', 'id', 'step'] },
    ],
  }
}
