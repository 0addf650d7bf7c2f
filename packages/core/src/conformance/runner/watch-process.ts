/**
 * Collects what would end the process before the report is written: rejections that nobody handles, and errors that are thrown
 * outside of any case.
 */
export function watchProcess() {
  const seen: Error[] = []
  const note =
    (what: string) =>
    (reason: unknown): void => {
      const text = reason instanceof Error ? (reason.stack ?? String(reason)) : String(reason)
      seen.push(new Error(`${what}: ${text}`, { cause: reason }))
    }
  const listeners = {
    unhandledRejection: note('A rejection was not handled'),
    uncaughtException: note('An error was thrown outside of any call'),
  }
  for (const [name, listener] of Object.entries(listeners)) process.on(name, listener)

  return {
    /** Stops watching. Returns what was seen. */
    end(): readonly Error[] {
      for (const [name, listener] of Object.entries(listeners)) process.off(name, listener)
      return seen
    },
  }
}
