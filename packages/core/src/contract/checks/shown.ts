import { inspect } from 'node:util'

/**
 * Cuts out of a text for an error what may be a password, because a URL may have been put in a wrong place. That is all that follows
 * `://`, all that is before the last `@`, and the parameters.
 */
export const masked = (text: string): string =>
  text
    .replace(/:\/\/.*/s, '://...')
    .replace(/^.+@/s, '...@')
    .replace(/\?.*=.*/s, '?...')

/** Cuts the same out of a text that shows an object, of which only parts are URLs. */
const maskedParts = (text: string): string =>
  text
    .replace(/:\/\/.*/s, '://...')
    .replace(/(['"`])(?:(?!\1).)+@/gs, '$1...@')
    .replace(/\?[^'"`\s]*=[^'"`\s]*/g, '?...')

/** Shows the name of an option. A name that no program would write may be a URL or a password, and is not shown. */
export const shownName = (name: string): string =>
  /^[A-Za-z_$][\w$.-]{0,39}$/.test(name) ? `'${name}'` : `of ${name.length} characters, which is not shown`

/** Shows a rejected value in an error: short, on one line, never a whole document, and without the password of a URL. */
export function shown(value: unknown): string {
  const inspected = typeof value === 'string' ? masked(value) : value
  const text = maskedParts(
    inspect(inspected, { depth: 0, breakLength: Number.POSITIVE_INFINITY, maxStringLength: 500 }),
  )
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}
