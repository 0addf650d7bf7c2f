import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

export const readText = (path) => readFileSync(join(root, path), 'utf8')
export const readJson = (path) => JSON.parse(readText(path))
export const exists = (path) => existsSync(join(root, path))

/** Lists the path from the root of every file that is tracked, or new and not ignored. */
export function listedFiles() {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  const listed = execFileSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 })
  return [...new Set(listed.split('\0'))].filter((path) => path !== '' && exists(path))
}

/** Lists every package of the workspace except the root, with its folder from the root and its manifest. */
export function workspacePackages() {
  const nested = ['packages', 'apps'].filter(exists).flatMap((room) =>
    readdirSync(join(root, room), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${room}/${entry.name}`),
  )
  return [...nested, 'docs', 'bench', 'fuzz', 'release']
    .filter((folder) => exists(`${folder}/package.json`))
    .map((folder) => ({ folder, manifest: readJson(`${folder}/package.json`) }))
}

/** Lists the packages that are published. */
export const publicPackages = () => workspacePackages().filter(({ manifest }) => manifest.private !== true)

/** Removes old builds: turbo restores a build on top of existing files, which would stay and be published. */
export function removeBuilt() {
  for (const { folder } of publicPackages()) rmSync(join(root, folder, 'dist'), { recursive: true, force: true })
}
