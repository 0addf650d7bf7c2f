import type { ForeignPlace } from '@mq/core'

/** A broker as its adapter is called. */
export type Broker = 'kafka' | 'rabbitmq' | 'redis'

export interface GroupPlace {
  readonly topic: string
  readonly group: string
  /** The place of a topic of other programs. */
  readonly at?: ForeignPlace | undefined
}

/** The parts of a document that depend on a broker. Objects are as the bindings of AsyncAPI say. */
export interface BrokerForm {
  /** The name of the protocol among the bindings. */
  readonly protocol: 'kafka' | 'amqp' | 'redis'
  /** Returns the name under which a CloudEvents attribute is written. */
  attribute(name: string): string
  /** Describes the headers, for readers of the document. */
  readonly headers: string
  /** Returns undefined if the broker has no such place. */
  channel(topic: string, at: ForeignPlace | undefined): ChannelForm | undefined
  send(): object
  receive(place: GroupPlace): ChannelForm
  message(): object
}

export interface ChannelForm {
  readonly binding: object
  /** The names at the broker for which bindings have no place. */
  readonly names?: Readonly<Record<string, string>>
}
