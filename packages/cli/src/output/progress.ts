import type { Screen } from './screen.js'

/** How often a line is written if stderr is no terminal. */
const lineEveryMs = 5_000
const redrawEveryMs = 100

export interface Progress {
  /** Shows the text in place of the last one. */
  update(text: string): void
  /** Removes what is shown, so that other lines can be written. */
  end(): void
}

/** Shows how far a long operation is: one line that changes on a terminal, and a line every 5 s elsewhere. Writes to stderr. */
export function progress({ error, isErrorTerminal }: Screen): Progress {
  let shownAt = isErrorTerminal ? 0 : performance.now()
  let isShown = false
  return {
    update(text) {
      const now = performance.now()
      if (now - shownAt < (isErrorTerminal ? redrawEveryMs : lineEveryMs)) return
      shownAt = now
      isShown = isErrorTerminal
      error(isErrorTerminal ? `\r\u001b[K${text}` : `${text}\n`)
    },
    end() {
      if (isShown) error('\r\u001b[K')
      isShown = false
    },
  }
}
