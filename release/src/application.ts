import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tool } from '../../scripts/lib/toolchain.mjs'
import { command, environment } from './command.js'
import type { Registry } from './registry.js'

export const installers = ['npm', 'pnpm'] as const
export type Installer = (typeof installers)[number]

/** An application outside of this repository, whose author has a terminal and an installer. */
export interface Application {
  readonly folder: string
  install(...packages: readonly string[]): Promise<void>
  write(path: string, text: string): void
  read(path: string): string
  /** Runs Node and resolves to its output. */
  node(...args: readonly string[]): Promise<string>
  /** Runs a command of an installed package and resolves to its output. */
  bin(name: string, ...args: readonly string[]): Promise<string>
  /** Compiles `files`, whose paths are from the folder, with the options given. Rejects with the compiler's errors. */
  compile(files: readonly string[], ...options: readonly string[]): Promise<void>
}

interface Options {
  readonly folder: string
  /** The registry of our packages. Without it they come from tarballs. */
  readonly registry?: Registry
  /** Default: npm. */
  readonly installer?: Installer
}

/** Creates the folder of an application without dependencies. */
export function application({ folder, registry, installer = 'npm' }: Options): Application {
  mkdirSync(folder, { recursive: true })
  const write = (path: string, text: string): void => writeFileSync(join(folder, path), text)
  const place = { cwd: folder, env: environment() }
  // pnpm's cache of this registry is of no use later, so it goes with the folder.
  const cache = installer === 'pnpm' ? `cache-dir=${join(folder, '.cache')}\n` : ''
  write('.npmrc', `${registry?.npmrc ?? ''}${cache}`)
  write('package.json', JSON.stringify({ name: 'application', version: '1.0.0', private: true, type: 'module' }))

  return {
    folder,
    write,
    read: (path) => readFileSync(join(folder, path), 'utf8'),
    async install(...packages) {
      await command([installer, installer === 'npm' ? 'install' : 'add', ...packages], place)
    },
    node: (...args) => command([process.execPath, ...args], place),
    bin: (name, ...args) => command([join(folder, 'node_modules', '.bin', name), ...args], place),
    async compile(files, ...options) {
      await command(tool('typescript', 'tsc', [...options, ...files]), place)
    },
  }
}
