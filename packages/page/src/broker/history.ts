import type { QueueStats } from '@mq/core'

/** The counts of a group at a moment, by the clock of this process. */
export interface Sample extends Pick<QueueStats, 'ready' | 'inFlight' | 'delayed' | 'retrying' | 'dead'> {
  readonly at: number
}

const maxSamples = 150
const maxKeys = 500
/** A rate over less than this would jump with every reading. */
const minRateMs = 5_000
const maxRateMs = 60_000

/** Keeps what was read of groups lately, for charts and rates. Nothing is read for it. */
export function createHistory(now: () => number = Date.now) {
  const samples = new Map<string, Sample[]>()

  return {
    add(key: string, { ready, inFlight, delayed, retrying, dead }: QueueStats): void {
      const kept = samples.get(key) ?? []
      kept.push({ at: now(), ready, inFlight, delayed, retrying, dead })
      if (kept.length > maxSamples) kept.shift()
      samples.delete(key)
      samples.set(key, kept)
      const [oldest] = samples.keys()
      if (samples.size > maxKeys && oldest !== undefined) samples.delete(oldest)
    },
    of: (key: string): readonly Sample[] => samples.get(key) ?? [],
    /** Returns how a count has changed in the last minute, a second. Undefined while that is not known. */
    rateOf(key: string, name: 'ready' | 'dead'): number | undefined {
      const kept = samples.get(key) ?? []
      const last = kept.at(-1)
      const first = kept.find(({ at }) => last !== undefined && last.at - at <= maxRateMs)
      if (last === undefined || first === undefined || last.at - first.at < minRateMs) return undefined
      const [from, to] = [first[name], last[name]]
      return from === undefined || to === undefined ? undefined : ((to - from) * 1_000) / (last.at - first.at)
    },
  }
}
