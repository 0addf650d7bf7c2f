export type {
  Adapter,
  AdapterEvent,
  AdapterHealth,
  ConsumeOptions,
  Consumer,
  ConsumerHealth,
  DeadLetterStore,
  Deadline,
  Delivery,
  Handle,
  HealthStatus,
  Outcome,
  PublishCall,
  QueueStats,
  RawDeadLetter,
  Settlement,
  Source,
  StartFrom,
} from './adapter.js'
export { adapterContract } from './adapter.js'
export {
  type AdapterCapabilities,
  type Capabilities,
  defaultMaxMessageBytes,
  type OptionalCapability,
} from './capabilities.js'
export { type Clock, type ClockTimer, systemClock } from './clock.js'
export { type AttributeDefaults, attributesOf, messageFromAttributes } from './cloud-events.js'
export { decodeData, type EncodedData, encodeData } from './codec.js'
export { configVariables, type QueueConfig, queueConfigFromEnv } from './config.js'
export { createQueue } from './create-queue.js'
export type { DeadLetter, DeadLetters } from './dead-letters.js'
export { withDeadline } from './deadline.js'
export { errorCodes, isMqError, MqError, type MqErrorCode, type MqErrorOptions } from './errors.js'
export { defineEvent, type EventDefinition } from './event.js'
export {
  decodeFailure,
  encodeFailure,
  type Failure,
  type FailureError,
  type FailureReason,
} from './failure.js'
export type {
  FailedMessage,
  Handler,
  HandlerContext,
  OnLastFailure,
  SubscribeOptions,
  Subscription,
} from './handler.js'
export { emptyHeaders, headerBytes, type MessageHeaders, maxHeaderBytes, requireHeaders } from './headers.js'
export {
  isRetryLater,
  isUnrecoverable,
  RetryLater,
  type RetryLaterOptions,
  Unrecoverable,
} from './interruptions.js'
export { type LazyAbort, lazyAbort } from './lazy-abort.js'
export { consoleLog, type Log, type LogFields } from './log.js'
export { type Message, messageBytes, type OutgoingMessage, type RawMessage } from './message.js'
export type { Middleware, PublishRequest } from './middleware.js'
export { brokerName, maxNameLength, requireName } from './names.js'
export { loadAdapter, openQueue } from './open-queue.js'
export type {
  PublishAllOptions,
  PublishOptions,
  PublishOutcome,
  PublishResult,
  Routed,
} from './publish-options.js'
export type { Queue, QueueEvents, QueueHealth, QueueOptions, QueueState, SettledEvent, Target } from './queue.js'
export { type AdapterConfig, type KnownType, knownTypes, type QueueTarget } from './queue-target.js'
export { requireStoreMember } from './require-store.js'
export {
  type Backoff,
  backoffMs,
  decideRetry,
  defaultRetryPolicy,
  type ErrorClass,
  type Jitter,
  type RetryDecision,
  type RetryOptions,
  type RetryPolicy,
  type RetryRule,
  retryPolicy,
} from './retry.js'
export type { CronRule, IntervalRule, MissedTicks, ScheduleRule } from './schedule/rule.js'
export type { ScheduleInfo } from './schedule/schedules.js'
export { isTickAhead } from './schedule/tick-message.js'
export { createScheduler } from './scheduler.js'
export type { SchemaInput, SchemaIssue, SchemaOutput, SchemaResult, StandardSchema } from './schema.js'
export { storeChecks } from './store-checks.js'
export { defineTask, type FailedTask, type Task, type TaskContext } from './task.js'
export type {
  EnqueueAllOptions,
  EnqueuedTask,
  EnqueueOptions,
  EnqueueOutcome,
  RouteOptions,
  RunOptions,
  SchedulerEvents,
  SchedulerOptions,
  TaskScheduler,
  WorkerOptions,
} from './task-scheduler.js'
export {
  type AcquireOptions,
  type CompareAndSetOptions,
  type DeleteOptions,
  type LeaseAnswer,
  type LeaseHolder,
  type OptionalStoreMember,
  type RenewOptions,
  requireEntry,
  type StoreLeases,
  type TakeAnswer,
  type TakeOptions,
  type TaskStore,
  type TimeToLive,
} from './task-store.js'
export {
  type TaskCompletedEvent,
  type TaskEventName,
  type TaskFailedEvent,
  taskCompleted,
  taskFailed,
} from './tasks/events.js'
export type { CancelOptions, TaskHandle } from './tasks/handle.js'
export type { TaskFailure, TaskOutcome } from './tasks/outcome.js'
export type { TaskProgress } from './tasks/progress.js'
export type { StartRate } from './tasks/start-limit.js'
