import { everyMs } from './plan.js'

export interface Figures {
  readonly ticks: number
  /** Ticks that never ran. */
  readonly missing: readonly string[]
  /** Runs beyond the first of a tick. */
  readonly extra: number
  /** How long after their time ticks ran. */
  readonly lateP50Ms: number
  readonly lateMaxMs: number
}

/** Compares the runs of the worker with the ticks of the schedule. */
export function createLedger(name: string) {
  const runs: { readonly id: string; readonly at: number }[] = []
  const ran = new Set<string>()
  const idsBetween = (from: number, to: number): string[] => {
    const ids: string[] = []
    for (let tick = Math.ceil(from / everyMs) * everyMs; tick <= to; tick += everyMs) {
      ids.push(`${name}@${new Date(tick).toISOString()}`)
    }
    return ids
  }

  return {
    add(id: string): void {
      runs.push({ id, at: Date.now() })
      ran.add(id)
    },
    missing: (from: number, to: number): readonly string[] => idsBetween(from, to).filter((id) => !ran.has(id)),
    figures(from: number, to: number): Figures {
      const first = new Map<string, number>()
      for (const { id, at } of runs) if (!first.has(id)) first.set(id, at - Date.parse(id.slice(name.length + 1)))
      const late = [...first.values()].sort((a, b) => a - b)
      return {
        ticks: idsBetween(from, to).length,
        missing: idsBetween(from, to).filter((id) => !ran.has(id)),
        extra: runs.length - ran.size,
        lateP50Ms: late[Math.floor(late.length / 2)] ?? 0,
        lateMaxMs: late.at(-1) ?? 0,
      }
    },
  }
}
