import type { Figures } from '../runner/report.js'

/** Notes which figures the broker gave to a case that checks figures, and what the case itself has counted. */
export interface Measurements {
  /** Notes a figure that the case asked for: undefined if the broker cannot count it. */
  note(name: string, value: number | undefined): void
  /** Opens the account of one ledger. Each call of the returned function replaces what that ledger reported before. */
  account(): (counts: LedgerCounts) => void
  /** Starts to measure a recovery: a disturbance has ended, or a broker is gone and another one has to take over. */
  disturbed(): void
  /** Ends the measurement of a recovery, if there is one: the broker has stored a message. */
  stored(): void
}

export type LedgerCounts = Omit<Figures, 'recoveriesMs'>

/** A case whose figures are all unknown proves nothing, and one that lacks some says which. */
export function createMeasurements() {
  const known = new Set<string>()
  const unknown = new Set<string>()
  const accounts: LedgerCounts[] = []
  const recoveriesMs: number[] = []
  let disturbedAt: number | undefined

  return {
    note(name: string, value: number | undefined): void {
      ;(value === undefined ? unknown : known).add(name)
    },
    account() {
      const index = accounts.push({ stored: 0, lost: 0, repeated: 0 }) - 1
      return (counts: LedgerCounts): void => {
        accounts[index] = counts
      }
    },
    disturbed(): void {
      disturbedAt = performance.now()
    },
    stored(): void {
      if (disturbedAt === undefined) return
      recoveriesMs.push(Math.round(performance.now() - disturbedAt))
      disturbedAt = undefined
    },
    verdict(): { readonly status: 'passed' | 'not applicable'; readonly reason?: string } {
      const missing = [...unknown].filter((name) => !known.has(name))
      if (missing.length === 0) return { status: 'passed' }
      const reason = `it does not count ${missing.join(', ')}`
      return { status: known.size === 0 ? 'not applicable' : 'passed', reason }
    },
    /** Returns the sums of all ledgers of the case, or undefined if it has none. */
    figures(): Figures | undefined {
      if (accounts.length === 0) return undefined
      const sum = (name: keyof LedgerCounts): number => accounts.reduce((total, one) => total + one[name], 0)
      return { stored: sum('stored'), lost: sum('lost'), repeated: sum('repeated'), recoveriesMs }
    },
  }
}

/** Ends a case as not run, because only the case itself could find out that the subject lacks something. */
export class NotRun extends Error {
  override readonly name = 'NotRun'
}
