import type { TargetRef } from '../../../src/adapter.js'
import { type AdapterCapabilities, shownPlace } from '../../../src/adapter.js'
import { type ForeignPlace, type GroupRef, MqError } from '../../../src/index.js'
import type { Faulty } from './mutation.js'

/** The topic of the test broker that other programs own. No topic of ours has this name. */
export const foreignTopic = (at: ForeignPlace): string => `@${String(at)}`

export const isForeign = (topic: string): boolean => topic.startsWith('@')

/** Returns the group at the broker. */
export function located({ topic, group, at }: TargetRef, faulty: Faulty): GroupRef {
  if (at === undefined || faulty('foreignIgnored')) return { topic, group }
  return { topic: foreignTopic(at), group: `${topic}/${group}` }
}

export function foreignCapabilities(at: ForeignPlace, faulty: Faulty): Partial<AdapterCapabilities> {
  if (typeof at === 'string') return { publishDedupeMs: 0, listsGroups: false }
  const code = faulty('foreignKindUntyped') ? 'MQ_OPERATION_FAILED' : 'MQ_NOT_SUPPORTED'
  throw new MqError(code, `The test broker has nothing like ${shownPlace(at)}`)
}
