import { safeText } from './escape.js'
import type { Screen } from './screen.js'

/** Says how a list goes on, if there is more of it. */
export function noteMore({ note }: Screen, next: string | undefined): void {
  if (next !== undefined) note(`mq: there are more; add --after ${quoted(next)}`)
}

/** Quotes a text for a shell, if it needs that. */
const quoted = (text: string): string => {
  const safe = safeText(text)
  return /^[\w./:@=+-]+$/.test(safe) ? safe : `'${safe.replaceAll("'", "'\\''")}'`
}
