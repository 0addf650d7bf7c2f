import type { Arena } from './arena.js'
import type { Subject } from './subject/subject.js'

/** A subject that is up. */
export interface LiveField {
  readonly subject: Subject
  readonly restBytes: number | undefined
  readonly secrets: readonly string[]
  end(): Promise<void>
}

/**
 * A subject at a time, and the arena that it is in. A failure may have broken both, and a process keeps
 * memory after large entries, so then both are replaced.
 */
export function fieldOf(begin: () => Promise<LiveField>) {
  let current: LiveField | undefined
  let arena: Arena | undefined

  async function spoil(): Promise<void> {
    const spoilt = current
    current = undefined
    arena = undefined
    await spoilt?.end().catch(() => undefined)
  }

  const live = async (): Promise<LiveField> => {
    current ??= await begin()
    return current
  }

  return {
    live,
    spoil,
    end: spoil,
    get arena(): Arena | undefined {
      return arena
    },
    /** The next round gets another arena. */
    leave(): void {
      arena = undefined
    },
    async open(next: Arena): Promise<Arena> {
      const { subject } = await live()
      await subject.open(next)
      arena = next
      return next
    },
  }
}
