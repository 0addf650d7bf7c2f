import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Manifest } from './workspace-copy.js'

/** Lists every package in a `node_modules` of npm or pnpm, each copy once. */
export function installed(folder: string): readonly Manifest[] {
  const modules = join(folder, 'node_modules')
  if (!existsSync(modules)) return []
  const store = join(modules, '.pnpm')
  const folders = existsSync(store) ? readdirSync(store).map((name) => join(store, name, 'node_modules')) : [modules]
  return folders.flatMap(packagesIn).sort((a, b) => a.name.localeCompare(b.name))
}

function packagesIn(folder: string): readonly Manifest[] {
  return foldersIn(folder).flatMap((name) => {
    const path = join(folder, name)
    if (name.startsWith('@')) return packagesIn(path)
    const manifest = join(path, 'package.json')
    return existsSync(manifest) ? [JSON.parse(readFileSync(manifest, 'utf8')), ...installed(path)] : []
  })
}

/** Leaves out links: what they point to is found elsewhere. */
const foldersIn = (path: string): readonly string[] =>
  existsSync(path)
    ? readdirSync(path, { withFileTypes: true }).flatMap((entry) =>
        entry.isDirectory() && !entry.name.startsWith('.') ? entry.name : [],
      )
    : []

/** Sums the bytes of all files in a folder and its subfolders. */
export function bytesBelow(path: string): number {
  const found = lstatSync(path)
  if (!found.isDirectory()) return found.isFile() ? found.size : 0
  return readdirSync(path).reduce((sum, name) => sum + bytesBelow(join(path, name)), 0)
}
