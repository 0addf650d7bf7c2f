import type { IncomingMessage } from 'node:http'

/** The part of the page that a request asks for. */
export interface Address {
  /** The path of the page, which every link begins with. It has no slash at its end. */
  readonly base: string
  /** The path below it, `/` for the overview. */
  readonly path: string
  readonly query: URLSearchParams
}

/** Returns undefined for a request that is not for this page. */
export function addressOf(req: IncomingMessage, given: string | undefined): Address | undefined {
  const mounted = mountedAt(req)
  const base = given ?? mounted ?? ''
  const url = parsed(req.url ?? '/')
  if (url === undefined) return undefined
  const isStripped = mounted !== undefined
  if (!isStripped && base !== '' && url.pathname !== base && !url.pathname.startsWith(`${base}/`)) return undefined
  const path = isStripped ? url.pathname : url.pathname.slice(base.length)
  return { base, path: path === '' ? '/' : path, query: url.searchParams }
}

/** Express takes the path under which the page is mounted out of the URL, and keeps it here. */
function mountedAt(req: IncomingMessage): string | undefined {
  const { baseUrl } = req as { readonly baseUrl?: unknown }
  return typeof baseUrl === 'string' && /^(\/[\w.~%-]+)+$/.test(baseUrl) ? baseUrl : undefined
}

function parsed(url: string): URL | undefined {
  try {
    // The host is never used. A path of `//name` would otherwise be taken for one.
    return new URL(`http://page/${url.replace(/^\/+/, '')}`)
  } catch {
    return undefined
  }
}

/** Writes a link to a part of the page. */
export function linkTo(base: string, path: string, query: Readonly<Record<string, string | undefined>> = {}): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const text = new URLSearchParams(given).toString()
  return `${base}${path}${text === '' ? '' : `?${text}`}`
}
