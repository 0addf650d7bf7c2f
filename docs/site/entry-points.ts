import { posix } from 'node:path'
import { exists, publicPackages } from '../../scripts/lib/workspace.mjs'

/** What can be imported from a published package. */
export interface EntryPoint {
  /** As applications write it. */
  readonly name: string
  /** Its source, from the root. */
  readonly source: string
}

/** Of every published package, by the rule that the entry `./testing` has its source in `src/testing/index.ts`. */
export function entryPoints(): readonly EntryPoint[] {
  return publicPackages().flatMap(({ folder, manifest }) =>
    Object.keys(manifest.exports)
      .filter((subpath) => subpath !== './package.json')
      .map((subpath) => {
        const source = posix.join(folder, 'src', subpath, 'index.ts')
        if (!exists(source)) throw new Error(`${manifest.name} exports ${subpath}, and there is no ${source}`)
        return { name: posix.join(manifest.name, subpath), source }
      }),
  )
}
