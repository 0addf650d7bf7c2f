import { posix } from 'node:path'
import { exists, publicPackages } from '../../scripts/lib/workspace.mjs'

/** What can be imported from a published package. */
export interface EntryPoint {
  /** As applications write it. */
  readonly name: string
  /** Its source, from the root. */
  readonly source: string
}

/** Of every published package, by the rule that `./testing` has its source in `src/testing/index.ts` or `src/testing.ts`. */
export function entryPoints(): readonly EntryPoint[] {
  return publicPackages().flatMap(({ folder, manifest }) =>
    Object.keys(manifest.exports)
      .filter((subpath) => subpath !== './package.json')
      .map((subpath) => {
        const places = [`${subpath}/index.ts`, `${subpath}.ts`].map((place) => posix.join(folder, 'src', place))
        const source = places.find((place) => exists(place))
        if (source === undefined) throw new Error(`${manifest.name} exports ${subpath}, which is none of ${places}`)
        return { name: posix.join(manifest.name, subpath), source }
      }),
  )
}
