import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { tool } from '../../scripts/lib/toolchain.mjs'
import { publicPackages, root, workspacePackages } from '../../scripts/lib/workspace.mjs'
import { command, environment } from './command.js'
import type { Registry } from './registry.js'

export type Bump = 'patch' | 'minor' | 'major'

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly bin?: Readonly<Record<string, string>>
}

/** A copy of this repository in the state before a release: committed, built, and with changesets. */
export interface WorkspaceCopy {
  readonly folder: string
  addChangeset(packageName: string, bump: Bump, text: string): void
  /** Lists what `changeset version` will write: each text with the packages whose changelogs get it. */
  pending(): readonly { readonly text: string; readonly packages: readonly string[] }[]
  /** Runs `changeset version` and commits. Resolves to the version of each package. */
  version(): Promise<Readonly<Record<string, string>>>
  /** Runs `changeset publish`. Resolves to what it published, such as `@mq/core@1.0.0`. */
  publish(): Promise<readonly string[]>
  /** Returns the newest part of a package's changelog, with its heading. */
  changelog(packageName: string): string
}

interface Package {
  /** The path from the root. */
  readonly folder: string
  readonly manifest: Manifest
}

/** The packages that are published. */
export const packages: readonly Package[] = publicPackages()

export const built = (): boolean => packages.every(({ folder }) => existsSync(join(root, folder, 'dist', 'index.js')))

export async function copyWorkspace(folder: string, registry: Registry): Promise<WorkspaceCopy> {
  copyFiles(folder)
  writeFileSync(join(folder, '.npmrc'), `${readFileSync(join(root, '.npmrc'), 'utf8')}${registry.npmrc}`)
  const env = { ...environment(), ...identity, 'npm_config_@mq:registry': registry.url }
  const place = { cwd: folder, env, timeoutMs: 240_000 }
  const changeset = (name: string): Promise<string> => command(tool('@changesets/cli', 'changeset', [name]), place)
  const git = (...args: readonly string[]): Promise<string> => command(['git', ...args], place)
  const folderOf = (name: string): string =>
    join(folder, packages.find(({ manifest }) => manifest.name === name)?.folder ?? '')
  let added = 0

  await git('init', '--quiet', '--initial-branch=main')
  await commit('everything')

  async function commit(text: string): Promise<void> {
    await git('add', '--all')
    await git('commit', '--quiet', '--allow-empty', '--message', text)
  }

  return {
    folder,
    addChangeset(packageName, bump, text) {
      writeFileSync(
        join(folder, '.changeset', `rehearsal-${++added}.md`),
        `---\n'${packageName}': ${bump}\n---\n\n${text}\n`,
      )
    },
    pending() {
      const names = readdirSync(join(folder, '.changeset')).filter((name) => /^(?!README).*\.md$/.test(name))
      return names.map((name) => {
        const [, head = '', text = ''] = readFileSync(join(folder, '.changeset', name), 'utf8').split(/^---$/m)
        return { text: text.trim(), packages: [...head.matchAll(/^['"](.+)['"]:/gm)].map(([, each = '']) => each) }
      })
    },
    async version() {
      await changeset('version')
      await commit('release')
      const manifests = packages.map((each) =>
        JSON.parse(readFileSync(join(folder, each.folder, 'package.json'), 'utf8')),
      )
      return Object.fromEntries(manifests.map(({ name, version }: Manifest) => [name, version]))
    },
    async publish() {
      const output = await changeset('publish')
      return [...output.matchAll(/New tag:\s+(\S+)/g)].map(([, tag = '']) => tag).sort()
    },
    changelog(packageName) {
      const text = readFileSync(join(folderOf(packageName), 'CHANGELOG.md'), 'utf8')
      return /^## [\s\S]*?(?=\n## |$(?![\s\S]))/m.exec(text)?.[0].trimEnd() ?? ''
    },
  }
}

/** Copies the files that git knows and the built files. Of `node_modules`, only the links between our packages are made again. */
function copyFiles(folder: string): void {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  })
  const dist = packages.map((each) => join(each.folder, 'dist'))
  for (const path of [...listed.split('\0'), ...dist].filter((each) => each !== '' && existsSync(join(root, each)))) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    cpSync(join(root, path), join(folder, path), { recursive: true })
  }
  const everything: readonly Package[] = workspacePackages()
  for (const { folder: at, manifest } of packages) {
    const needed = { ...manifest.dependencies, ...manifest.devDependencies }
    for (const dependency of everything) {
      if (needed[dependency.manifest.name] === undefined) continue
      const link = join(folder, at, 'node_modules', dependency.manifest.name)
      mkdirSync(dirname(link), { recursive: true })
      symlinkSync(join(folder, dependency.folder), link, 'junction')
    }
  }
}

/** Keeps the name, keys and hooks of the user out of the commits. */
const identity = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'rehearsal',
  GIT_AUTHOR_EMAIL: 'rehearsal@example.com',
  GIT_COMMITTER_NAME: 'rehearsal',
  GIT_COMMITTER_EMAIL: 'rehearsal@example.com',
}
