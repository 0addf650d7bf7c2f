import { inspect } from 'node:util'

/** Cuts what follows `://` out of a text for an error: if a URL was put in a wrong place, its password must not be shown. */
export const masked = (text: string): string => text.replace(/:\/\/.*/s, '://...')

/** Shows a rejected value in an error: short, on one line, never a whole document, and without the password of a URL. */
export function shown(value: unknown): string {
  const inspected = typeof value === 'string' ? masked(value) : value
  const text = masked(inspect(inspected, { depth: 0, breakLength: Number.POSITIVE_INFINITY, maxStringLength: 60 }))
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}
