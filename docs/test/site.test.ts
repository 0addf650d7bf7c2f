import { fileURLToPath } from 'node:url'
import { errorCodes } from '@mq/core'
import { beforeAll, describe, expect, it } from 'vitest'
import { pages } from '../../scripts/lib/markdown.mjs'
import { run, tell } from '../../scripts/lib/run.mjs'
import { exists } from '../../scripts/lib/workspace.mjs'
import { warningsIn } from '../site/build.js'
import { entryPoints } from '../site/entry-points.js'
import { atRepository, siteFile } from '../site/places.js'
import { type BuiltPage, builtPages, isBuiltFile, loadedByStyles } from './built-site.js'

/** On a machine that is busy with other tests. */
const buildMs = 300_000
const site = 'http://site.invalid'
const inRepository = atRepository('')

const urlOf = (link: string, { path }: Pick<BuiltPage, 'path'>): URL => new URL(link, site + path)
const isHere = ({ origin }: URL): boolean => origin === site
const fileOf = ({ pathname }: URL): string => decodeURI(pathname).replace(/\/$/, '/index.html')

describe('the site', () => {
  let built: ReadonlyMap<string, BuiltPage>

  beforeAll(async () => {
    const { VITEST: _, NODE_ENV: __, ...env } = process.env
    const refuseNetwork = new URL('refuse-network.mjs', import.meta.url)
    const options = { env: { ...env, NODE_OPTIONS: `--import ${refuseNetwork}` }, timeoutMs: buildMs }
    const main = fileURLToPath(new URL('../site/main.ts', import.meta.url))
    const result = await run(process.execPath, ['--import', import.meta.resolve('tsx'), main, 'build'], options)
    if (result.code !== 0) throw new Error(`It is not built without warnings and without a network:\n${tell(result)}`)
    built = builtPages()
  }, buildMs + 10_000)

  it('has every page of the repository', () => {
    const wanted = pages().filter((page) => page !== 'README.md')
    expect(
      wanted.map((page) => `/${siteFile(page)}`.replace(/\.md$/, '.html')).filter((path) => !built.has(path)),
    ).toEqual([])
  })

  it('has the API of every entry point', () => {
    const missing = entryPoints().filter(({ name }) => !built.has(`/api/${name.replace(/^@mq\//, '')}/index.html`))
    expect(missing).toEqual([])
    expect([...built.keys()]).toContain('/api/core/functions/createQueue.html')
  })

  it('loads nothing from anywhere else', () => {
    const loaded = [...built.values()].flatMap((page) => page.loads.map((target) => ({ page: page.path, target })))
    const styles = loadedByStyles().map((target) => ({ page: '/', target }))
    const all = [...loaded, ...styles].filter(({ target }) => !target.startsWith('data:'))
    expect(all.length).toBeGreaterThan(built.size)
    expect(all.filter(({ page, target }) => !isHere(urlOf(target, { path: page })))).toEqual([])
    expect(loaded.filter(({ page, target }) => isMissing(urlOf(target, { path: page })))).toEqual([])
  })

  it('has no link that leads nowhere, in itself or in the repository', () => {
    const broken = [...built.values()].flatMap((page) =>
      [...new Set(page.links)].filter((link) => isBroken(link, page)).map((link) => `${page.path}: ${link}`),
    )
    expect(broken).toEqual([])
  })

  it('has a way from its first page to every other by header and sidebar', () => {
    const reached = new Set(['/index.html'])
    for (const path of reached) {
      const page = built.get(path)
      for (const link of page?.navigation ?? []) {
        const url = urlOf(link, { path })
        if (isHere(url)) reached.add(fileOf(url))
      }
    }
    expect([...built.keys()].filter((path) => path !== '/404.html' && !reached.has(path))).toEqual([])
  })

  it('breaks no error code over two lines', () => {
    const kept = built.get('/errors.html')?.names ?? new Set()
    expect(errorCodes.filter((code) => !kept.has(code))).toEqual([])
  })

  const isMissing = (url: URL): boolean => url.protocol !== 'data:' && !isBuiltFile(fileOf(url))

  function isBroken(link: string, page: BuiltPage): boolean {
    const url = urlOf(link, page)
    if (url.href.startsWith(inRepository))
      return !exists(decodeURI(url.href.slice(inRepository.length)).replace(/#.*/, ''))
    if (!isHere(url)) return false
    const target = built.get(fileOf(url))
    if (target === undefined) return true
    const anchor = decodeURIComponent(url.hash.slice(1))
    return anchor !== '' && !target.ids.has(anchor)
  }
})

describe('what vitepress says', () => {
  it('is progress, or else a warning', () => {
    const progress =
      '\n  vitepress v1.6.4\n\n- building client + server bundles...\n✓ rendering pages...\nbuild complete in 12.34s.\n'
    const warning = '(!) Found dead link ./nowhere in file docs/tasks.md'
    expect(warningsIn(progress)).toEqual([])
    expect(warningsIn(`${progress}${warning}\n`)).toEqual([warning])
  })
})
