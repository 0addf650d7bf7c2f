import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isSecure } from '../http/answer.js'
import { Refusal } from '../http/refusal.js'

/**
 * Another site can make a browser send a form, but it can neither read nor set the cookie of this one. Each form has the hash of it. No
 * process has to remember anything, so several can serve the same page.
 */
const cookieName = 'mq-page'

/** The field of a form that has the token. */
export const tokenField = 'token'

/** Returns the token for the forms of this browser, and gives it the cookie if it has none. */
export function formToken(req: IncomingMessage, res: ServerResponse, base: string): string {
  const held = secretOf(req)
  if (held !== undefined) return tokenOf(held)
  const secret = randomBytes(24).toString('base64url')
  const attributes = [
    `Path=${base === '' ? '/' : base}`,
    'HttpOnly',
    'SameSite=Lax',
    ...(isSecure(req) ? ['Secure'] : []),
  ]
  res.appendHeader('set-cookie', `${cookieName}=${secret}; ${attributes.join('; ')}`)
  return tokenOf(secret)
}

/** Throws a `Refusal` unless this page itself has made the form. */
export function requireOwnForm(req: IncomingMessage, form: URLSearchParams): void {
  const secret = secretOf(req)
  const given = form.get(tokenField) ?? ''
  if (secret === undefined || !isEqual(given, tokenOf(secret)) || !isFromHere(req)) {
    throw new Refusal(403, 'This form was not made by this page, or it is too old. Load the page again.')
  }
}

function secretOf(req: IncomingMessage): string | undefined {
  const [, secret] = new RegExp(`(?:^|;\\s*)${cookieName}=([\\w-]{32})(?:;|$)`).exec(req.headers.cookie ?? '') ?? []
  return secret
}

const tokenOf = (secret: string): string => createHash('sha256').update(`form:${secret}`).digest('base64url')

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
const isEqual = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other))

/** Believes what the browser says of the origin. A browser that says nothing is an old one, or a program. */
function isFromHere({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin' || site === 'none'
  const { origin } = headers
  if (origin === undefined) return true
  const hosts = [headers.host, headers['x-forwarded-host']].flat()
  return URL.canParse(origin) && hosts.includes(new URL(origin).host)
}
