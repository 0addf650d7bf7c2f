/**
 * For modules that run as a `child`: tells the parent something, such as the id of a handled message. Does nothing when
 * the module runs alone. Resolves once the value is on its way and a SIGKILL can no longer hold it back.
 */
export async function report(value: unknown): Promise<void> {
  endWithParent()
  await new Promise<void>((resolve, reject) => {
    if (process.send === undefined) return resolve()
    process.send(value, undefined, {}, (error) => (error === null ? resolve() : reject(error)))
  })
}

/** For modules that run as a `child`: takes what the parent sends, and keeps the process alive for it. */
export function onMessage(listener: (message: unknown) => void): void {
  endWithParent()
  process.on('message', listener)
}

let isBound = false

/** A child whose parent was killed ends too, instead of waiting for the next run's sweep. */
function endWithParent(): void {
  if (isBound) return
  isBound = true
  process.once('disconnect', () => process.exit(1))
}
