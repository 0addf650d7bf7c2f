export type { Adapter, ConsumerHealth, GroupRef, HealthStatus, QueueStats, StartFrom } from './contract/adapter.js'
export type { Capabilities } from './contract/capabilities.js'
export type { Clock } from './contract/clock.js'
export {
  errorCodes,
  isMqError,
  MqError,
  type MqErrorCode,
  type MqErrorOptions,
  type MqErrorWith,
} from './contract/errors.js'
export { type DataOf, defineEvent, type EventDefinition, type PublishedDataOf } from './contract/event.js'
export type { Failure, FailureError, FailureReason, TaskFailure } from './contract/failure.js'
export {
  type Decoding,
  defineForeignTopic,
  type ForeignExchange,
  type ForeignPlace,
  type ForeignStream,
  type ForeignTopic,
} from './contract/foreign.js'
export type {
  FailedMessage,
  Handler,
  HandlerContext,
  OnLastFailure,
  SubscribeOptions,
  Subscription,
  TombstoneHandler,
  TombstoneSubscribeOptions,
} from './contract/handler.js'
export type { MessageHeaders } from './contract/headers.js'
export { consoleLog, type Log, type LogFields } from './contract/log.js'
export type { Message, MessageOrTombstone, RawMessage, Tombstone } from './contract/message.js'
export type {
  DeliveredMessage,
  Middleware,
  PublishBatch,
  PublishRequest,
  RunTrace,
} from './contract/middleware.js'
export type {
  DeadLetter,
  DeadLetterChange,
  DeadLetterCondition,
  DeadLetterFilter,
  DeadLetterListOptions,
  DeadLetters,
  PurgeOptions,
  PurgeResult,
  ReplayOptions,
  ReplayRate,
  ReplayResult,
} from './contract/operating/dead-letters.js'
export type { Diagnosis, Finding } from './contract/operating/diagnosis.js'
export type {
  GroupInfo,
  GroupPause,
  MessageState,
  Page,
  PageOptions,
  PauseOptions,
  RawWaiting,
  TopicInfo,
  WaitingMessage,
  WaitingMessages,
  WaitingOptions,
} from './contract/operating/inspect.js'
export type {
  PublishAllOptions,
  PublishOptions,
  PublishOutcome,
  PublishResult,
  Routed,
  TombstoneOptions,
} from './contract/publish-options.js'
export type {
  ListenOptions,
  Queue,
  QueueEvents,
  QueueHealth,
  QueueOptions,
  QueueState,
  SettledEvent,
  Target,
  TaskTarget,
} from './contract/queue.js'
export {
  isRetryLater,
  isUnrecoverable,
  RetryLater,
  type RetryLaterOptions,
  Unrecoverable,
} from './contract/retry-errors.js'
export type { Backoff, Jitter, RetryOptions, RetryRule } from './contract/retry-options.js'
export type { SchemaInput, SchemaIssue, SchemaOutput, StandardSchema } from './contract/schema.js'
export type { RunStatement, Transaction } from './contract/transaction.js'
export { configVariables, type QueueConfig, queueConfigFromEnv } from './open/config.js'
export type { AdapterFactory, ConfigOf } from './open/given-adapters.js'
export { type AddressFor, loadAdapter, type OpenOptions, openQueue } from './open/open-queue.js'
export type { AdapterConfig, KnownType, QueueAddress } from './open/queue-address.js'
export { createQueue } from './queue/create-queue.js'
export { type Probes, type ProbesOptions, probes } from './queue/probes.js'
export type { CancelOptions, TaskHandle } from './tasks/ask/task-handle.js'
export { createScheduler } from './tasks/create-scheduler.js'
export {
  type TaskCompletedEvent,
  type TaskEventName,
  type TaskFailedEvent,
  taskCompleted,
  taskFailed,
} from './tasks/events.js'
export type { FinishedTask } from './tasks/finished-task.js'
export type { TaskProgress } from './tasks/progress.js'
export type { CronRule, IntervalRule, ScheduleRule } from './tasks/schedules/rule.js'
export type { ScheduleInfo } from './tasks/schedules/schedules.js'
export { defineTask, type FailedTask, type Task, type TaskContext } from './tasks/task.js'
export type {
  EnqueueAllOptions,
  EnqueuedTask,
  EnqueueOptions,
  EnqueueOutcome,
  RouteOptions,
  RunOptions,
  WorkerOptions,
} from './tasks/task-options.js'
export type { SchedulerEvents, SchedulerOptions, TaskScheduler } from './tasks/task-scheduler.js'
export type { TaskStore } from './tasks/task-store.js'
export type { StartRate } from './tasks/work/start-limit.js'
