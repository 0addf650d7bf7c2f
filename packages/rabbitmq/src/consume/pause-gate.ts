import type { GroupPause } from '@mq/core/adapter'

/** Says whether a group is paused, from memory. */
export interface PauseGate {
  /** Undefined while the group is not paused. */
  readonly paused: GroupPause | undefined
  /** Resolves once it is known on the connection that there is now. */
  ready(): Promise<void>
  /** Adds a listener for the beginning and the end of a pause, and returns a function that removes it. */
  onChange(listener: () => void): () => void
}

/** The gate of ephemeral subscriptions, which are never paused. */
export const openGate: PauseGate = {
  paused: undefined,
  ready: async () => undefined,
  onChange: () => () => undefined,
}
