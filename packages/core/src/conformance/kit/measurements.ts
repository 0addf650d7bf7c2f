/** Notes which figures the broker gave to a case that checks figures. */
export interface Measurements {
  /** Notes a figure that the case asked for: undefined if the broker cannot count it. */
  note(name: string, value: number | undefined): void
}

/** A case whose figures are all unknown proves nothing, and one that lacks some says which. */
export function createMeasurements() {
  const known = new Set<string>()
  const unknown = new Set<string>()

  return {
    note(name: string, value: number | undefined): void {
      ;(value === undefined ? unknown : known).add(name)
    },
    verdict(): { readonly status: 'passed' | 'not applicable'; readonly reason?: string } {
      const missing = [...unknown].filter((name) => !known.has(name))
      if (missing.length === 0) return { status: 'passed' }
      const reason = `it does not count ${missing.join(', ')}`
      return { status: known.size === 0 ? 'not applicable' : 'passed', reason }
    },
  }
}

/** Ends a case as not run, because only the case itself could find out that the subject lacks something. */
export class NotRun extends Error {
  override readonly name = 'NotRun'
}
