import {
  type AdapterEvent,
  type ConsumeOptions,
  type ConsumerHealth,
  type Handle,
  MqError,
  type StopOptions,
} from '@mq/core/adapter'
import type { Cluster } from '../driver/cluster.js'
import type { Memberships } from '../driver/group/memberships.js'
import type { Reading } from '../driver/reading/reading.js'
import type { Settings } from '../options.js'
import type { Outbox } from '../publish/outbox.js'
import type { Names } from '../topology/plans.js'
import type { Topology } from '../topology/topology.js'

/** The connections that all consumers of a process share. */
export interface ConsumerConnections {
  /** Reads for all, and finds out where to read. */
  readonly reading: Reading
  readonly cluster: Cluster
  /** Carries the requests of memberships. Others could hold up a heartbeat for too long. */
  readonly membership: Cluster
}

/** The parts of the adapter that its consumers use. */
export interface ConsumerContext {
  readonly settings: Settings
  readonly names: Names
  readonly topology: Topology
  readonly outbox: Outbox
  readonly connections: ConsumerConnections
  readonly memberships: Memberships
  readonly report: (event: AdapterEvent) => void
}

export interface HandlerOptions extends ConsumeOptions {
  readonly handle: Handle
}

/** A consumer of a group, or an ephemeral one. */
export interface RunningConsumer {
  readonly health: ConsumerHealth
  start(): Promise<void>
  /** When the time is over, the signals of handlers that still run abort with the reason. */
  stop(options: ConsumerStop): Promise<void>
}

export interface ConsumerStop extends StopOptions {
  /** Default: `stopReason()`. */
  readonly reason?: MqError
  /** How much longer the last commit and leaving the group may take. Default: 500 ms. */
  readonly partingMs?: number
}

export const stopReason = (): MqError =>
  new MqError('MQ_STOPPED', 'The subscription was stopped before the handler had finished')
