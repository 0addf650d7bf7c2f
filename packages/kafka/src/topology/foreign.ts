import { type ForeignPlace, MqError, shownPlace } from '@mq/core/adapter'

/** The names that Kafka allows. */
const legalName = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/

/** Returns the name of a topic that other programs own. Throws `MQ_NOT_SUPPORTED` or `MQ_INVALID_NAME` if there can be none. */
export function foreignTopicName(at: ForeignPlace): string {
  if (typeof at !== 'string') {
    throw new MqError('MQ_NOT_SUPPORTED', `kafka cannot read ${shownPlace(at)}; name a topic of Kafka`)
  }
  if (legalName.test(at)) return at
  const rule = "it has 1 to 249 letters, digits, '.', '_' and '-'"
  throw new MqError('MQ_INVALID_NAME', `${shownPlace(at)} cannot be the name of a Kafka topic: ${rule}`)
}

export const foreignTopicMissing = (topic: string): MqError =>
  new MqError('MQ_TOPIC_MISSING', `The topic '${topic}' does not exist at Kafka`)
