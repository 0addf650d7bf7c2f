import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Manifest } from './workspace-copy.js'

/** Every package below a `node_modules`, as npm or pnpm lays them out; each copy of it once. */
export function installed(folder: string): readonly Manifest[] {
  const modules = join(folder, 'node_modules')
  if (!existsSync(modules)) return []
  const store = join(modules, '.pnpm')
  const rooms = existsSync(store) ? readdirSync(store).map((name) => join(store, name, 'node_modules')) : [modules]
  return rooms.flatMap(packagesIn).sort((a, b) => a.name.localeCompare(b.name))
}

function packagesIn(room: string): readonly Manifest[] {
  return foldersIn(room).flatMap((name) => {
    const path = join(room, name)
    if (name.startsWith('@')) return packagesIn(path)
    const manifest = join(path, 'package.json')
    return existsSync(manifest) ? [JSON.parse(readFileSync(manifest, 'utf8')), ...installed(path)] : []
  })
}

/** Without links, which lead to what is found elsewhere. */
const foldersIn = (path: string): readonly string[] =>
  existsSync(path)
    ? readdirSync(path, { withFileTypes: true }).flatMap((entry) =>
        entry.isDirectory() && !entry.name.startsWith('.') ? entry.name : [],
      )
    : []

/** The bytes of all files below a folder. */
export function bytesBelow(path: string): number {
  const found = lstatSync(path)
  if (!found.isDirectory()) return found.isFile() ? found.size : 0
  return readdirSync(path).reduce((sum, name) => sum + bytesBelow(join(path, name)), 0)
}
