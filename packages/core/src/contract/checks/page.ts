import type { PageOptions, PageRequest } from '../operating/inspect.js'
import { refuseUnknown, requireOptions } from './options.js'
import { shown } from './shown.js'
import { requireInteger } from './values.js'

const maxPage = 1_000

/** Checks the options of a call that lists a page. */
export function requirePage(options: PageOptions, known: readonly string[], name: string): PageRequest {
  requireOptions(options, `The options of ${name}`)
  refuseUnknown(options, known, name)
  const { limit = 100, after } = options
  requireInteger(limit, 'limit', { min: 1, max: maxPage })
  if (after === undefined) return { limit }
  if (typeof after !== 'string') throw new TypeError(`after must be a string, not ${shown(after)}`)
  return { limit, after }
}
