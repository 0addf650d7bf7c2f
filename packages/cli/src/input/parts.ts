import { progress } from '../output/progress.js'
import type { Screen } from '../output/screen.js'

/** How many entries one call works on. Small enough that Ctrl-C does not have to wait long for the end of a part. */
const maxPart = 250

interface Work {
  readonly session: { readonly screen: Screen; readonly signal: AbortSignal }
  readonly entryIds: readonly string[]
  /** The word for what was done with them, "removed" for example. */
  readonly done: string
  /** Works on entries, and resolves to how many there were. */
  readonly carryOut: (entryIds: readonly string[]) => Promise<number>
}

/** Works on named entries part by part, and resolves to how many there were. A signal ends it after a whole part. */
export async function inParts({ session: { screen, signal }, entryIds, done, carryOut }: Work): Promise<number> {
  const line = progress(screen)
  const total = entryIds.length.toLocaleString('en-US')
  let worked = 0
  try {
    for (let at = 0; at < entryIds.length && !signal.aborted; at += maxPart) {
      worked += await carryOut(entryIds.slice(at, at + maxPart))
      line.update(`${done} ${worked.toLocaleString('en-US')} of ${total}`)
    }
  } finally {
    line.end()
  }
  return worked
}
