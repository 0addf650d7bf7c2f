import type { GroupPause } from '@mq/core/adapter'

/** A mark that another program may have written. */
type Parts = Partial<Record<keyof GroupPause, unknown>>

export const encodeMark = ({ since, by }: GroupPause): string => JSON.stringify({ since, by })

/** Reads a mark. One that another program has written may hold anything, and pauses its group all the same. */
export function decodeMark(text: string): GroupPause {
  let found: Parts | null = null
  try {
    found = JSON.parse(text) as typeof found
  } catch {
    // The text names whoever wrote it.
  }
  const { since, by }: Parts = typeof found === 'object' && found !== null ? found : {}
  return {
    since: typeof since === 'number' && Number.isFinite(since) ? since : 0,
    by: typeof by === 'string' ? by : text.slice(0, 255),
  }
}
