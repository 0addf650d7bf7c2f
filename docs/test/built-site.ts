import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { Parser } from 'htmlparser2'
import { root } from './examples.js'

const folder = join(root, 'docs', '.vitepress', 'dist')

/** A page as a browser gets it. */
export interface BuiltPage {
  readonly path: string
  readonly ids: ReadonlySet<string>
  /** Where it leads, as written. */
  readonly links: readonly string[]
  /** Those of them that are in its header and its sidebar. */
  readonly navigation: readonly string[]
  /** The `code` that styles keep on one line. */
  readonly names: ReadonlySet<string>
  /** What a browser loads for it: scripts, styles, images. */
  readonly loads: readonly string[]
}

const filesIn = (ending: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => name.replaceAll(sep, '/'))

/** By their paths, such as `/delivery.html`. */
export function builtPages(): ReadonlyMap<string, BuiltPage> {
  const pages = filesIn('.html').map((name) => pageOf(`/${name}`))
  return new Map(pages.map((page) => [page.path, page]))
}

/** What the style sheets load. */
export const loadedByStyles = (): readonly string[] =>
  filesIn('.css').flatMap((name) => {
    const text = readFileSync(join(folder, name), 'utf8')
    return [...text.matchAll(/(?:url\(|@import)\s*["']?([^"')\s;]+)/g)].map(([, target = '']) => target)
  })

export const isBuiltFile = (path: string): boolean => existsSync(join(folder, path))

const navigationTags = ['header', 'nav', 'aside']
const attributesThatLoad = ['src', 'srcset', 'data', 'poster']

function pageOf(path: string): BuiltPage {
  const [ids, links, navigation, loads] = [new Set<string>(), [] as string[], [] as string[], [] as string[]]
  const names = new Set<string>()
  let depth = 0
  let isInName = false
  const parser = new Parser({
    onopentag(tag, { id, href, ...others }) {
      if (navigationTags.includes(tag)) depth += 1
      if (id !== undefined) ids.add(id)
      if (tag === 'code') isInName = others.class === 'name'
      for (const name of attributesThatLoad) if (others[name] !== undefined) loads.push(others[name])
      if (href === undefined) return
      if (tag === 'link') loads.push(href)
      if (tag !== 'a') return
      links.push(href)
      if (depth > 0) navigation.push(href)
    },
    ontext(text) {
      if (isInName) names.add(text)
    },
    onclosetag(tag) {
      if (tag === 'code') isInName = false
      if (navigationTags.includes(tag)) depth -= 1
    },
  })
  parser.end(readFileSync(join(folder, path), 'utf8'))
  return { path, ids, links, navigation, names, loads }
}
