import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder outside of this repository, to be removed by who asked for it. Those of runs that were killed go now. */
export function throwAwayFolder(): string {
  for (const name of readdirSync(tmpdir())) {
    const [, owner] = /^mq-release-(\d+)-/.exec(name) ?? []
    if (owner !== undefined && !isAlive(Number(owner))) remove(join(tmpdir(), name))
  }
  return mkdtempSync(join(tmpdir(), `mq-release-${process.pid}-`))
}

export const remove = (folder: string): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
