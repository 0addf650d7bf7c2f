import {
  type AdapterEvent,
  type ConsumeOptions,
  type Consumer,
  type ConsumerHealth,
  type GroupRef,
  type Handle,
  MqError,
} from '@mq/core/adapter'
import type { Link } from '../connection/link.js'
import type { Settings } from '../options.js'
import type { GroupPlace } from '../wire/keys.js'
import type { Common } from './shared/common.js'

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
  /** The adapter's own connection, for commands that must not wait behind the messages of a read. */
  readonly commands: Link
  readonly common: Common
  readonly report: (event: AdapterEvent) => void
}

/** The part of lost messages that was gone: their entries in a stream, or the fields of delayed ones. */
export type Gone = 'entries' | 'fields'

const lossReasons: Readonly<Record<Gone, string>> = {
  entries: 'entries were removed from the stream while they were pending',
  fields: 'delayed messages were due and had no fields, which another program removed',
}

/** Called when messages are lost, with their number. */
export type OnLoss = (gone: Gone, count: number) => void

export const lossReporter =
  ({ topic, group }: GroupRef, report: (event: AdapterEvent) => void): OnLoss =>
  (gone, count) =>
    report({ type: 'data-loss', topic, group, reason: lossReasons[gone], count })

/** The reason with which a stop aborts the handlers that are still running. */
export const stoppedError = (): MqError =>
  new MqError('MQ_STOPPED', 'The subscription was stopped before the handler had finished')
