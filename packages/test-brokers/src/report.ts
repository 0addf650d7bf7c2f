/**
 * Sends a value to the parent of a `child`, such as the id of a handled message. Does nothing if the module runs alone.
 * Resolves once a SIGKILL can no longer hold the value back.
 */
export async function report(value: unknown): Promise<void> {
  endWithParent()
  await new Promise<void>((resolve, reject) => {
    if (process.send === undefined) return resolve()
    process.send(value, undefined, {}, (error) => (error === null ? resolve() : reject(error)))
  })
}

/** Calls the listener with each message of a `child`'s parent, and keeps the process alive for it. */
export function onMessage(listener: (message: unknown) => void): void {
  endWithParent()
  process.on('message', listener)
}

let isBound = false

/** Ends a child whose parent was killed, so that it does not wait for the next run's sweep. */
function endWithParent(): void {
  if (isBound) return
  isBound = true
  process.once('disconnect', () => process.exit(1))
}
