import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { bundleInto } from './bundle.js'
import type { RanFunction, RanFunctions, WalkJob, Way } from './message.js'

/** The sources that one message passes from `publish` to the end of its settlement. */
export interface Walked {
  /** The names of the functions that ran, by file. Functions without a name are left out. */
  readonly functions: ReadonlyMap<string, readonly string[]>
}

/** The bundle lies below this package, where the drivers of the adapters are found. */
const folder = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url))

/** Sends messages through an adapter at a broker and says which files and functions they pass. */
export async function walked(adapter: string, job: WalkJob): Promise<Readonly<Record<Way, Walked>>> {
  await mkdir(folder, { recursive: true })
  const file = join(folder, `walk-${randomUUID()}.mjs`)
  try {
    const bundle = await bundleInto(file, adapter)
    const { stdout } = await promisify(execFile)(process.execPath, [file, JSON.stringify(job)], { timeout: 120_000 })
    const ran = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as RanFunctions
    const byFile = (functions: readonly RanFunction[]): Walked => {
      const found = new Map<string, string[]>()
      for (const { name, offset } of functions) {
        const source = bundle.sourceOf(offset)
        if (source === undefined || !/^packages\/[^/]+\/src\//.test(source)) continue
        const names = found.get(source) ?? []
        found.set(source, name === '' ? names : [...names, name])
      }
      return { functions: found }
    }
    return { done: byFile(ran.done), dead: byFile(ran.dead) }
  } finally {
    await rm(file, { force: true })
  }
}
