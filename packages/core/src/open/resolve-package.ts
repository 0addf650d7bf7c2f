import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/**
 * Returns the folders in which an application's packages are searched: that of its main file, its working directory, and last that of this
 * package. pnpm's layout hides the dependencies of an application from the packages that it uses.
 */
export function applicationFolders(): readonly string[] {
  const main = process.argv[1]
  return [...new Set([...(main === undefined ? [] : [dirname(resolve(main))]), process.cwd(), ...ownFolder()])]
}

/** Returns nothing in a bundle of CommonJS, where a module has no URL. */
function ownFolder(): readonly string[] {
  const { url }: { readonly url?: unknown } = import.meta
  return typeof url === 'string' && url.startsWith('file:') ? [dirname(fileURLToPath(url))] : []
}

/**
 * Returns the URL of a package's main entry, for `import()`. Returns undefined if none of the folders or their parents has the package.
 * Node has no such lookup from a chosen folder: `require.resolve` does not find packages that only have an ESM entry.
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

/** Returns the first condition that applies, in the order of the manifest (https://nodejs.org/api/packages.html#conditional-exports). */
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
