/**
 * The names of the messaging conventions, and those of this library, which begin with `mq.`. They are copies: the package with the
 * conventions may change those of the messaging conventions in any minor version. A test compares them.
 * See docs/decisions/0012-telemetry-beside-core.md.
 */
export const attributes = {
  system: 'messaging.system',
  operationName: 'messaging.operation.name',
  operationType: 'messaging.operation.type',
  destination: 'messaging.destination.name',
  group: 'messaging.consumer.group.name',
  messageId: 'messaging.message.id',
  conversationId: 'messaging.message.conversation_id',
  bodySize: 'messaging.message.body.size',
  batchCount: 'messaging.batch.message_count',
  errorType: 'error.type',
  attempt: 'mq.message.attempt',
  settlement: 'mq.message.settlement',
  retryDelay: 'mq.message.retry_delay_ms',
  state: 'mq.message.state',
  link: 'mq.link',
} as const

export const metricNames = {
  sent: 'messaging.client.sent.messages',
  consumed: 'messaging.client.consumed.messages',
  operationDuration: 'messaging.client.operation.duration',
  processDuration: 'messaging.process.duration',
  groupMessages: 'mq.group.messages',
  groupAge: 'mq.group.oldest_message.age',
  groupPaused: 'mq.group.paused',
  groupKnown: 'mq.group.known',
  up: 'mq.queue.up',
  blocked: 'mq.queue.blocked',
  errors: 'mq.queue.errors',
  lost: 'mq.queue.lost_messages',
} as const

/** Seconds, by the conventions. */
export const durationBuckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

export const scopeName = '@mq/opentelemetry'
