import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { command } from './command.js'
import type { Manifest } from './workspace-copy.js'

export interface Tarball {
  readonly path: string
  /** Sorted, from the package's folder; what a build names by its content without that part of its name. */
  readonly files: readonly string[]
  readonly manifest: Manifest
}

/** Packs a package as `changeset publish` does. */
export async function pack({ folder, into }: { readonly folder: string; readonly into: string }): Promise<Tarball> {
  mkdirSync(into, { recursive: true })
  await command(['pnpm', 'pack', '--pack-destination', into], { cwd: folder })
  const [name = ''] = readdirSync(into)
  const path = join(into, name)
  await command(['tar', '-xzf', path], { cwd: into })
  const listed = await command(['tar', '-tzf', path], { cwd: into })
  return {
    path,
    files: [...new Set(listed.trim().split('\n').map(nameOf))].sort(),
    manifest: JSON.parse(readFileSync(join(into, 'package', 'package.json'), 'utf8')),
  }
}

const nameOf = (path: string): string => path.replace(/^package\//, '').replace(/-[\w-]{8}(?=\.(d\.ts|js)$)/, '-*')
