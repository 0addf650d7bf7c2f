import { randomBytes } from 'node:crypto'

// A process shows a server that it is there by a subscription, which ends with it. See docs/decisions/0044-redis-presence.md.

/**
 * How long a message stays with a consumer whose process has left the server and no longer renews its claim. Claims are renewed every
 * second, so a consumer that connects again in time keeps its messages.
 */
export const goneMs = 3_500

/** The beginning of the channels that show which processes are there. The rest is the id of one. */
export const presencePrefix = (prefix: string): string => `${prefix}:alive:`

export const newPresenceId = (): string => randomBytes(6).toString('hex')

/** Marks the name of a consumer with the id of its process. */
export const withPresence = (name: string, id: string): string => `${name}~${id}`
