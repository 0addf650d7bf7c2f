import {
  type AdapterEvent,
  type ConsumeOptions,
  type Consumer,
  type ConsumerHealth,
  type Handle,
  MqError,
} from '@mq/core/adapter'
import type { Link } from '../connection/link.js'
import type { Settings } from '../options.js'
import type { GroupPlace } from '../wire/keys.js'

/** A consumer as the adapter sees it. */
export interface RunningConsumer extends Consumer {
  health(): ConsumerHealth
}

/** The parts that every consumer is made of. */
export interface ConsumerParts {
  readonly settings: Settings
  readonly place: GroupPlace
  readonly options: ConsumeOptions
  readonly handle: Handle
  /** The adapter's own connection, for commands that must not wait behind a blocked read. */
  readonly commands: Link
  readonly report: (event: AdapterEvent) => void
}

/** The reason with which a stop aborts the handlers that are still running. */
export const stoppedError = (): MqError =>
  new MqError('MQ_STOPPED', 'The subscription was stopped before the handler had finished')
