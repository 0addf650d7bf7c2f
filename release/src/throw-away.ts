import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Creates a folder outside of this repository, which the caller removes. Also removes the folders of runs that were killed. */
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
