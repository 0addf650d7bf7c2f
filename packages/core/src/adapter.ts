// `@mq/core/adapter`: what adapters and stores import. Applications import `@mq/core`; what both need is exported by both.
export { type AdapterState, adapterState, closedError, notConnectedError } from './adapter-kit/adapter-state.js'
export { type BackoffOptions, type BackoffPauses, backoff } from './adapter-kit/backoff.js'
export { namesakeError, unknownFailure } from './adapter-kit/failures.js'
export { Fifo } from './adapter-kit/fifo.js'
export { KeyLanes } from './adapter-kit/key-lanes.js'
export { type LazyAbort, lazyAbort } from './adapter-kit/lazy-abort.js'
export {
  booleanOption,
  functionOption,
  type IntegerRange,
  integerOption,
  requireKnownOptions,
  textOption,
  tlsOption,
} from './adapter-kit/option-checks.js'
export {
  type GiveUpReason,
  giveUpParcel,
  isParcelSettled,
  type PendingCall,
  type PendingParcel,
  type PendingPublishes,
  type PendingPublishesOptions,
  type PublishLimits,
  pendingPublishes,
  rejectedOutcome,
  settleParcel,
  unknownOutcome,
} from './adapter-kit/pending-publishes.js'
export { isTlsFault } from './adapter-kit/tls-faults.js'
export { unknownStats } from './adapter-kit/unknown-stats.js'
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
  StoredStats,
  StoreOutcome,
  TargetRef,
} from './contract/adapter.js'
export { adapterContract } from './contract/adapter.js'
export {
  type AdapterCapabilities,
  type Capabilities,
  completeCapabilities,
  defaultMaxMessageBytes,
  type OptionalCapability,
} from './contract/capabilities.js'
export { keysOf } from './contract/checks/options.js'
export { withoutSecrets } from './contract/checks/secrets.js'
export { maxDurationMs } from './contract/checks/values.js'
export { type Clock, type ClockTimer, systemClock } from './contract/clock.js'
export { isMqError, MqError, type MqErrorCode, type MqErrorOptions } from './contract/errors.js'
export {
  decodeFailure,
  encodeFailure,
  type Failure,
  type FailureError,
  type FailureReason,
  failureBeforeReplay,
  failureSince,
  withoutStack,
} from './contract/failure.js'
export {
  type Decoding,
  type ForeignExchange,
  type ForeignPlace,
  type ForeignStream,
  shownPlace,
} from './contract/foreign.js'
export { emptyHeaders, type MessageHeaders, maxHeaderBytes } from './contract/headers.js'
export type { OutgoingMessage, RawMessage } from './contract/message.js'
export {
  brokerName,
  controlTopic,
  maxNameLength,
  replicasGroup,
  repliesTopic,
  requireName,
  scheduleOfTopic,
  scheduleTopic,
  taskTopic,
  workersGroup,
} from './contract/names.js'
export type { Diagnosis, Finding } from './contract/operating/diagnosis.js'
export type {
  GroupInfo,
  GroupPause,
  MessageState,
  Page,
  PageRequest,
  RawWaiting,
  TopicInfo,
  TopicRef,
  WaitingStore,
} from './contract/operating/inspect.js'
export type { PublishOutcome, Routed } from './contract/publish-options.js'
export { type RunStatement, runnerOf, type Transaction } from './contract/transaction.js'
export { type ForwardOptions, forward } from './publish/forward.js'
export { requireAdapter } from './queue/require-adapter.js'
export { isTask, topicOf } from './queue/task-target.js'
export { requireStoreMember } from './tasks/require-store.js'
export { requireEntry, storeChecks } from './tasks/store-checks.js'
export type {
  AcquireOptions,
  CompareAndSetOptions,
  CompleteStore,
  DeleteOptions,
  LeaseAnswer,
  LeaseHolder,
  OptionalStoreMember,
  RenewOptions,
  StoreLeases,
  TakeAnswer,
  TakeOptions,
  TaskStore,
  TimeToLive,
} from './tasks/task-store.js'
export { type AttributeDefaults, attributesOf, messageFromAttributes } from './wire/cloud-events.js'
export { decodeData, decodedOrUndefined } from './wire/codec.js'
export { isTombstone } from './wire/tombstone.js'
