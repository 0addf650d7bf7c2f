import type { Routed } from '@mq/core/adapter'

interface Published {
  readonly until: number
  readonly routed: Routed
}

const idsPerGeneration = 50_000

/**
 * The ids that were published lately. It keeps those of the last `windowMs`, but guarantees no more than the latest 50,000. There
 * are two generations, and the older one is dropped as a whole: removing single ids from the front of a large `Map` is slow.
 */
export class PublishedIds {
  readonly #windowMs: number
  #young = new Map<string, Published>()
  #old = new Map<string, Published>()
  #youngEndsAt = 0

  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  find(id: string, now: number): Routed | undefined {
    const found = this.#young.get(id) ?? this.#old.get(id)
    return found !== undefined && found.until > now ? found.routed : undefined
  }

  remember(id: string, routed: Routed, now: number): void {
    if (this.#windowMs === 0) return
    if (now >= this.#youngEndsAt || this.#young.size >= idsPerGeneration) {
      this.#old = this.#young
      this.#young = new Map()
      this.#youngEndsAt = now + this.#windowMs
    }
    this.#young.set(id, { until: now + this.#windowMs, routed })
  }
}
