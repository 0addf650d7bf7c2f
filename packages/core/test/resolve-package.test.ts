import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { resolvePackage } from '../src/open/resolve-package.js'
import { link, temporaryFolder, write } from './support/packages.js'

const name = '@acme/mq-nats'
const at = (root: string): string => `${root}/node_modules/${name}`

/** The path of the entry within the package. */
async function entryFor(manifest: unknown): Promise<string | undefined> {
  const folder = await temporaryFolder()
  await write(folder, { [`node_modules/${name}/package.json`]: manifest })
  const url = await resolvePackage(name, [folder])
  return url?.slice(pathToFileURL(at(folder)).href.length + 1)
}

describe('the entry of a package', () => {
  it.each([
    ['exports as a text', { exports: './esm.js' }, 'esm.js'],
    ['the condition import', { exports: { '.': { import: './esm.js', require: './cjs.cjs' } } }, 'esm.js'],
    ['conditions without a dot', { exports: { types: './a.d.ts', import: './esm.js' } }, 'esm.js'],
    ['only default', { exports: { '.': { types: './a.d.ts', default: './d.js' } } }, 'd.js'],
    ['nested conditions', { exports: { '.': { import: { types: './a.d.ts', default: './n.js' } } } }, 'n.js'],
    [
      'node before default',
      { exports: { '.': { browser: './b.js', node: './node.js', default: './d.js' } } },
      'node.js',
    ],
    ['the order of the manifest', { exports: { '.': { default: './d.js', import: './late.js' } } }, 'd.js'],
    ['fallbacks in an array', { exports: { '.': ['./first.js', './second.js'] } }, 'first.js'],
    ['main where there are no exports', { main: 'lib/main.js' }, 'lib/main.js'],
    ['exports before main', { main: 'old.js', exports: './new.js' }, 'new.js'],
    ['index.js where there is nothing', {}, 'index.js'],
  ])('follows %s', async (_, manifest, entry) => {
    expect(await entryFor(manifest)).toBe(entry)
  })
})

describe('resolvePackage', () => {
  const files = { [`node_modules/${name}/package.json`]: { exports: './index.js' } }

  it('looks upward from each folder, and in the folders in their order', async () => {
    const [near, far] = [await temporaryFolder(), await temporaryFolder()]
    await write(near, files)
    await write(far, files)
    const expected = (root: string) => pathToFileURL(join(at(root), 'index.js')).href
    expect(await resolvePackage(name, [join(near, 'src', 'deep'), far])).toBe(expected(near))
    expect(await resolvePackage(name, [far, near])).toBe(expected(far))
  })

  it('follows the symlinks of an isolated layout, which hides the package from this one', async () => {
    const folder = await temporaryFolder()
    const store = join(folder, 'node_modules/.pnpm/@acme+mq-nats@1.0.0/node_modules', name)
    await write(store, { 'package.json': { exports: { '.': { import: './index.js' } } }, 'index.js': '' })
    await link(store, at(join(folder, 'apps/web')))
    const url = await resolvePackage(name, [join(folder, 'apps/web/src')])
    expect(realpathSync(fileURLToPath(url ?? ''))).toBe(join(store, 'index.js'))
    expect(await resolvePackage(name, [join(folder, 'apps/other')])).toBeUndefined()
  })

  it('escapes what is special in a URL', async () => {
    const folder = join(await temporaryFolder(), 'my app #1')
    await write(folder, files)
    expect(fileURLToPath((await resolvePackage(name, [folder])) ?? '')).toBe(join(at(folder), 'index.js'))
  })

  it('passes over a folder without a manifest, or with one that is no JSON', async () => {
    const folder = await temporaryFolder()
    await write(folder, {
      ...files,
      [`a/node_modules/${name}/index.js`]: '',
      [`a/b/node_modules/${name}/package.json`]: '{ no json',
      [`a/b/c/node_modules/${name}/package.json`]: 'null',
    })
    expect(await resolvePackage(name, [join(folder, 'a/b/c')])).toContain(pathToFileURL(at(folder)).href)
  })

  it('is undefined for what is not installed', async () => {
    expect(await resolvePackage('@acme/not-there', [await temporaryFolder()])).toBeUndefined()
    expect(await resolvePackage(name, [])).toBeUndefined()
  })
})
