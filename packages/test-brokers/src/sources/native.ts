import { execFile } from 'node:child_process'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { childrenIn, endProcessesOf, parentName } from '../run/family.js'
import { createFolder, removeFolder } from '../run/folder.js'
import { type Launched, launch } from '../run/launch.js'
import { releasePorts } from '../run/ports.js'
import { type ProcessId, signal, suspend } from '../run/process.js'
import { until } from '../run/wait.js'
import type { Machine, Recipe } from './machine.js'

/** Starts a broker as a process of this machine. It listens only on the loopback interface. */
export async function nativeMachine(recipe: Recipe, owner: ProcessId): Promise<Machine> {
  const folder = await createFolder(recipe.kind, owner)
  const place = { source: 'native', host: '127.0.0.1', bind: '127.0.0.1', folder } as const
  for (const [name, text] of Object.entries(recipe.files(place))) {
    writeFileSync(join(folder, name), text, { mode: 0o600 })
  }
  const logFile = join(folder, 'output.log')
  let running: Launched | undefined
  let isRemoved = false

  const endAll = async (): Promise<void> => {
    // Processes that the broker started beside itself have recorded their ids too.
    await endProcessesOf(folder)
    // This polls, because an unreferenced child would not keep this process alive until its exit.
    if (running !== undefined) await until(running.hasExited, { what: `${recipe.kind} to be reaped` })
  }

  return {
    place,
    async start() {
      const log = openSync(logFile, 'a')
      try {
        const name = recipe.isParent ? parentName : 'broker'
        running = await launch(['/bin/sh', './boot.sh'], { folder, name, stdio: ['ignore', log, log] })
      } finally {
        closeSync(log)
      }
    },
    kill: endAll,
    async terminate() {
      if (running === undefined) return
      signal(running.id, recipe.stopSignal ?? 'SIGTERM')
      await until(running.hasExited, { what: `${recipe.kind} to end by itself`, timeoutMs: 30_000 })
      await endAll()
    },
    async pause() {
      if (running === undefined) return
      await suspend(running.id)
      for (const id of childrenIn(folder)) await suspend(id)
    },
    async resume() {
      if (running === undefined) return
      for (const id of [running.id, ...childrenIn(folder)]) signal(id, 'SIGCONT')
    },
    async remove() {
      if (isRemoved) return
      isRemoved = true
      await endAll()
      await removeFolder(folder)
      releasePorts(recipe.ports, owner)
    },
    async run(script, timeoutMs) {
      const { stdout } = await promisify(execFile)('/bin/sh', ['-c', script], { cwd: folder, timeout: timeoutMs })
      return stdout
    },
    isRunning: async () => running !== undefined && !running.hasExited(),
    log: async () => tail(logFile),
  }
}

function tail(file: string): string {
  try {
    return readFileSync(file, 'utf8').slice(-3_000)
  } catch {
    return ''
  }
}
