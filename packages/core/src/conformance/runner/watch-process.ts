const texts = {
  unhandledRejection: 'A rejection was not handled',
  uncaughtException: 'An error was thrown outside of any call',
} as const

type EndingEvent = keyof typeof texts

const endingEvents = Object.keys(texts) as readonly EndingEvent[]

/** Collects what would end the process, until `end` is called. Default: rejections that nobody handles, and stray errors. */
export function watchProcess(events: readonly EndingEvent[] = endingEvents) {
  const seen: Error[] = []
  const listeners = events.map((event) => {
    const note = (reason: unknown): void => {
      const text = reason instanceof Error ? (reason.stack ?? String(reason)) : String(reason)
      seen.push(new Error(`${texts[event]}: ${text}`, { cause: reason }))
    }
    return { event, note }
  })
  for (const { event, note } of listeners) process.on(event, note)

  return {
    /** Stops watching. Returns what was seen. */
    end(): readonly Error[] {
      for (const { event, note } of listeners) process.off(event, note)
      return seen
    },
  }
}
