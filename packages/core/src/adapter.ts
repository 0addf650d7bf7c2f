// `@mq/core/adapter`: what adapters and stores import. Applications import `@mq/core`; what both need is exported by both.
export { type LazyAbort, lazyAbort } from './adapter-kit/lazy-abort.js'
export { withTimeout } from './adapter-kit/with-timeout.js'
export type {
  Adapter,
  AdapterEvent,
  AdapterHealth,
  ConsumeOptions,
  Consumer,
  ConsumerHealth,
  DeadLetterStore,
  Delivery,
  GroupRef,
  Handle,
  HealthStatus,
  PublishCall,
  QueueStats,
  RawDeadLetter,
  Settlement,
  StartFrom,
  StopOptions,
  StoreOutcome,
} from './contract/adapter.js'
export { adapterContract } from './contract/adapter.js'
export { type Capabilities, defaultMaxMessageBytes } from './contract/capabilities.js'
export { maxDurationMs } from './contract/checks.js'
export { type Clock, type ClockTimer, systemClock } from './contract/clock.js'
export { isMqError, MqError, type MqErrorCode, type MqErrorOptions } from './contract/errors.js'
export {
  decodeFailure,
  encodeFailure,
  type Failure,
  type FailureError,
  type FailureReason,
} from './contract/failure.js'
export { emptyHeaders, type MessageHeaders, maxHeaderBytes } from './contract/headers.js'
export type { OutgoingMessage, RawMessage } from './contract/message.js'
export { brokerName, maxNameLength, requireName } from './contract/names.js'
export type { Routed } from './contract/publish-options.js'
export { requireAdapter } from './queue/require-adapter.js'
export { isTickAhead } from './tasks/schedules/tick-message.js'
export { requireEntry, type TaskStore, type TimeToLive } from './tasks/task-store.js'
export { type AttributeDefaults, attributesOf, messageFromAttributes } from './wire/cloud-events.js'
export { decodeData } from './wire/codec.js'
