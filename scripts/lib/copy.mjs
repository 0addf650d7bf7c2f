import { copyFileSync, existsSync, mkdirSync, mkdtempSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { listedFiles, root } from './workspace.mjs'

/**
 * Copies the repository with links to what is installed, so that no fault stays in the working files, however this process ends. Returns
 * the folder of the copy, which the caller removes.
 */
export function copyOfRepository() {
  const copy = mkdtempSync(join(tmpdir(), 'mq-mutate-'))
  const paths = listedFiles()
  for (const path of paths) {
    mkdirSync(dirname(join(copy, path)), { recursive: true })
    copyFileSync(join(root, path), join(copy, path))
  }
  for (const folder of paths.filter((path) => basename(path) === 'package.json').map(dirname)) {
    const modules = join(root, folder, 'node_modules')
    if (existsSync(modules)) symlinkSync(modules, join(copy, folder, 'node_modules'), 'junction')
  }
  return copy
}
