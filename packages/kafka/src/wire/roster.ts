import type { GroupRef } from '@mq/core/adapter'

/** A broker stores the text with the group, in one record. */
const maxListed = 1_000

/** Encodes the ephemeral subscriptions of a process: the first thousand, as pairs of topic and group. */
export const encodeRoster = (subscriptions: readonly GroupRef[]): string =>
  JSON.stringify(subscriptions.slice(0, maxListed).map(({ topic, group }) => [topic, group]))

/** The name that core gives to an ephemeral subscription. Another program may have written the text. */
const ephemeralName = /^ephemeral\.[0-9a-f-]{36}$/

/** Returns no subscriptions for a text that is none of these. */
export function decodeRoster(text: string): readonly GroupRef[] {
  try {
    const pairs = JSON.parse(text) as unknown
    return Array.isArray(pairs) ? pairs.flatMap(refOf) : []
  } catch {
    return []
  }
}

function refOf(pair: unknown): readonly GroupRef[] {
  const [topic, group] = Array.isArray(pair) ? (pair as readonly unknown[]) : []
  return typeof topic === 'string' && typeof group === 'string' && ephemeralName.test(group) ? [{ topic, group }] : []
}
