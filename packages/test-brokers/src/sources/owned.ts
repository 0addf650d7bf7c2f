import { rmSync } from 'node:fs'
import { childrenIn } from '../run/family.js'
import { processesOf } from '../run/folder.js'
import { format, type ProcessId, self, signal } from '../run/process.js'
import type { Machine } from './machine.js'

const folders = new Set<string>()
let listens = false

/**
 * Ends the broker if this process exits without stopping it, as after a failed test. Only for native brokers of this process.
 * Containers, and brokers of a process that was killed, are left to the next run's sweep.
 */
export function endWithProcess(machine: Machine, owner: ProcessId): () => void {
  const { folder, source } = machine.place
  if (source !== 'native' || format(owner) !== format(self)) return () => undefined
  folders.add(folder)
  if (!listens) process.once('exit', endAll)
  listens = true
  return () => folders.delete(folder)
}

function endAll(): void {
  for (const folder of folders) {
    for (const id of [...processesOf(folder), ...childrenIn(folder)]) signal(id, 'SIGKILL')
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 })
  }
}
