import { posix } from 'node:path'
import { exists } from '../../scripts/lib/workspace.mjs'

export const repository = 'https://github.com/mq-js/mq'

/** Where a file is read that the site does not show. */
export const atRepository = (path: string): string => `${repository}/blob/main/${path}`

/** Folders whose README is the index of the pages beside it. */
const indexes = ['docs/decisions', 'docs/examples', 'docs/operating']

/** Where a Markdown file of the repository stands on the site: as `docs/delivery.md` at `delivery.md`. */
export function siteFile(path: string): string {
  const { dir, base } = posix.parse(path)
  const place = base !== 'README.md' ? path : indexes.includes(dir) ? `${dir}/index.md` : `${dir}.md`
  // CONTRIBUTING.md and its like.
  return place.replace(/^docs\//, '').replace(/^[A-Z]+(?=\.md$)/, (name) => name.toLowerCase())
}

/**
 * Where a relative link leads on the site, as it is written for readers of the repository: to the page of that file, or to the
 * file in the repository where it is none. Undefined where nothing is there.
 */
export function siteLink(link: string, from: string): string | undefined {
  const [, path = '', anchor = ''] = /^([^#]*)(#.*)?$/.exec(link) ?? []
  const target = posix.join(posix.dirname(from), decodeURI(path))
  if (target === 'README.md') return `/${anchor}`
  if (!exists(target)) return undefined
  const isPage = target.endsWith('.md') && !target.startsWith('.')
  return isPage ? `/${siteFile(target)}${anchor}` : atRepository(target) + anchor
}
