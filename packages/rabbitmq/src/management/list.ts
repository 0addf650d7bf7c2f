import type { Settings } from '../options.js'
import { askManagement } from './ask.js'

const pageSize = 500
const maxPages = 20

export interface Listing {
  readonly what: 'queues' | 'exchanges'
  /** Beginnings of names. */
  readonly starts: readonly string[]
  /** The fields to ask for, separated by commas. */
  readonly columns: string
}

export interface Listed {
  /** Everything in them is from outside. */
  readonly items: readonly unknown[]
  /** False if there are more than a list holds. */
  readonly isWhole: boolean
}

/** Lists what has a name that begins so, at most 10,000, in the order of the names. Rejects without showing a login. */
export async function listFrom(
  settings: Settings,
  management: URL,
  { what, starts, columns }: Listing,
): Promise<Listed> {
  const items: unknown[] = []
  for (let page = 1; page <= maxPages; page++) {
    const query = new URLSearchParams({
      page: String(page),
      page_size: String(pageSize),
      name: `^(?:${starts.map((start) => start.replaceAll('.', '\\.')).join('|')})`,
      use_regex: 'true',
      sort: 'name',
      columns,
    })
    const answer = await askManagement(
      settings,
      management,
      `api/${what}/${encodeURIComponent(settings.vhost)}?${query}`,
    )
    const { items: found, page_count: pages } = (answer ?? {}) as { items?: unknown; page_count?: unknown }
    if (!Array.isArray(found)) throw new Error(`it gave no list of ${what}`)
    items.push(...found)
    if (typeof pages !== 'number' || page >= pages) return { items, isWhole: true }
  }
  return { items, isWhole: false }
}
