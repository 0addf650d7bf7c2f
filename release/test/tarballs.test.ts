import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from '../../scripts/lib/workspace.mjs'
import { command } from '../src/command.js'
import { pack, type Tarball } from '../src/tarball.js'
import { remove, throwAwayFolder } from '../src/throw-away.js'
import { peers, runtimeDependencies } from '../src/what-users-need.js'
import { built, packages } from '../src/workspace-copy.js'

const lifecycle = /^((pre|post)?(install|pack|prepare|publish|uninstall)|prepublishOnly|dependencies)$/
const hash = (path: string): string => createHash('sha512').update(readFileSync(path)).digest('hex')

describe.each(packages)('the tarball of $manifest.name', ({ folder, manifest: { name } }) => {
  const throwAway = throwAwayFolder()
  let tarball: Tarball

  beforeAll(async () => {
    if (!built()) throw new Error('The built packages are packed: run pnpm build first')
    tarball = await pack({ folder: join(root, folder), into: join(throwAway, 'once') })
  })
  afterAll(() => remove(throwAway))

  it('holds what etc/tarball.txt approves', async () => {
    const approved = join(root, folder, 'etc', 'tarball.txt')
    expect(existsSync(approved), `${approved} exists, if empty; pnpm unit --project release tarballs -u fills it`).toBe(
      true,
    )
    // The changelog exists from the first release on.
    const files = tarball.files.filter((file) => file !== 'CHANGELOG.md')
    await expect(`${files.join('\n')}\n`).toMatchFileSnapshot(approved)
  })

  it('holds no file that no entry point refers to, such as parts of another build', () => {
    expect(tarball.unreachable, 'rm -r packages/*/dist && pnpm build').toEqual([])
  })

  it('has the same hash when it is packed again', async () => {
    const again = await pack({ folder: join(root, folder), into: join(throwAway, 'twice') })
    expect(hash(again.path)).toBe(hash(tarball.path))
  })

  it('needs nothing from this workspace, and runs nothing where it is installed', () => {
    const { dependencies, peerDependencies, optionalDependencies, scripts = {} } = tarball.manifest
    expect(JSON.stringify(tarball.manifest)).not.toMatch(/"(workspace|file|link|catalog):/)
    expect(Object.keys(scripts).filter((script) => lifecycle.test(script))).toEqual([])
    expect(Object.keys(dependencies ?? {}).sort()).toEqual(runtimeDependencies[name])
    expect(Object.keys(peerDependencies ?? {})).toEqual(peers[name] ?? [])
    expect({ ...optionalDependencies }).toEqual({})
  })

  it('has every file that its manifest names', async () => {
    const { exports, bin } = tarball.manifest as { exports?: unknown; bin?: unknown }
    const named = JSON.stringify([exports, bin]).match(/\.\/[^"]+\.(js|ts|json)(?=")/g) ?? []
    expect(named.length).toBeGreaterThan(0)
    const paths = (await command(['tar', '-tzf', tarball.path], { cwd: throwAway })).split('\n')
    for (const path of named) expect(paths).toContain(path.replace('./', 'package/'))
  })
})
