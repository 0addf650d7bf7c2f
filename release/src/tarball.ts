import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { command } from './command.js'
import type { Manifest } from './workspace-copy.js'

export interface Tarball {
  readonly path: string
  /** The sorted paths from the package's folder. Hashes that a build puts into names are replaced by `*`. */
  readonly files: readonly string[]
  /** Built files that neither the manifest nor any other file refers to. */
  readonly unreachable: readonly string[]
  readonly manifest: Manifest
}

/** Packs a package as `changeset publish` does. */
export async function pack({ folder, into }: { readonly folder: string; readonly into: string }): Promise<Tarball> {
  mkdirSync(into, { recursive: true })
  await command(['pnpm', 'pack', '--pack-destination', into], { cwd: folder })
  const [name = ''] = readdirSync(into)
  const path = join(into, name)
  await command(['tar', '-xzf', path], { cwd: into })
  const unpacked = join(into, 'package')
  const listed = await command(['tar', '-tzf', path], { cwd: into })
  return {
    path,
    files: [...new Set(listed.trim().split('\n').map(nameOf))].sort(),
    unreachable: unreachable(unpacked),
    manifest: JSON.parse(readFileSync(join(unpacked, 'package.json'), 'utf8')),
  }
}

/** Finds built files that nothing refers to. A file refers to another if its text has the name: by an import, or to start it. */
function unreachable(unpacked: string): readonly string[] {
  const read = (path: string): string => readFileSync(join(unpacked, path), 'utf8')
  const left = new Set(readdirSync(join(unpacked, 'dist')))
  const texts = [read('package.json')]
  for (const text of texts) {
    for (const name of [...left].filter((each) => new RegExp(`/${stemOf(each)}[.$]`).test(text))) {
      left.delete(name)
      texts.push(read(join('dist', name)))
    }
  }
  return [...left].sort()
}

const stemOf = (name: string): string => name.replace(/(\.d\.ts|\.js)$/, '')

const nameOf = (path: string): string => path.replace(/^package\//, '').replace(/-[\w-]{8}(?=\.(d\.ts|js)$)/, '-*')
