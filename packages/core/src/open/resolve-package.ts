import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/**
 * The folders from which an application's packages are looked for: those of its main file and of its working directory,
 * last the one of this package. pnpm's layout hides an application's dependencies from the packages that it uses.
 */
export function applicationFolders(): readonly string[] {
  const main = process.argv[1]
  const own = dirname(fileURLToPath(import.meta.url))
  return [...new Set([...(main === undefined ? [] : [dirname(resolve(main))]), process.cwd(), own])]
}

/**
 * The URL of a package's main entry, for `import()`, or undefined where no folder on the way up from `folders` has it. Node
 * offers no such lookup from a place of one's choice: `require.resolve` does not see packages that only have an ESM entry.
 */
export async function resolvePackage(name: string, folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    for (let at = folder; ; at = dirname(at)) {
      const root = join(at, 'node_modules', name)
      const manifest = await readManifest(root)
      if (manifest !== undefined) return pathToFileURL(join(root, entryOf(manifest))).href
      if (dirname(at) === at) break
    }
  }
  return undefined
}

interface Manifest {
  readonly exports?: unknown
  readonly main?: unknown
}

async function readManifest(root: string): Promise<Manifest | undefined> {
  try {
    const manifest: unknown = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    return typeof manifest === 'object' && manifest !== null ? manifest : undefined
  } catch {
    return undefined
  }
}

function entryOf(manifest: Manifest): string {
  const fallback = typeof manifest.main === 'string' ? manifest.main : 'index.js'
  const { exports } = manifest
  const root =
    typeof exports === 'object' && exports !== null && '.' in exports ? exports['.' as keyof object] : exports
  return conditional(root) ?? fallback
}

const conditions = ['node', 'import', 'module-sync', 'default']

/** The first condition that applies, in the order of the manifest (https://nodejs.org/api/packages.html#conditional-exports). */
function conditional(target: unknown): string | undefined {
  if (typeof target === 'string') return target
  if (Array.isArray(target)) return conditional(target[0])
  if (typeof target !== 'object' || target === null) return undefined
  for (const [condition, nested] of Object.entries(target)) {
    const found = conditions.includes(condition) ? conditional(nested) : undefined
    if (found !== undefined) return found
  }
  return undefined
}
