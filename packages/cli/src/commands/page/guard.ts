import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** Lets those in who have the link that the command prints. */
export interface Guard {
  /** The part of the link that nobody can guess. */
  readonly token: string
  /** Answers a request with the link by a cookie and a way to the page without it, so that the link is in no history. */
  readonly authorize: (req: IncomingMessage, res: ServerResponse) => boolean
}

const cookieName = 'mq-page-token'
const parameter = 'token'

/** Creates a guard with a new link. */
export function createGuard(token: string = randomBytes(24).toString('base64url')): Guard {
  const isToken = (given: string | null | undefined): boolean => timingSafeEqual(digest(given ?? ''), digest(token))
  return {
    token,
    authorize(req, res) {
      const [, cookie] = new RegExp(`(?:^|;\\s*)${cookieName}=([\\w-]+)`).exec(req.headers.cookie ?? '') ?? []
      const url = new URL(req.url ?? '/', 'http://page')
      if (isToken(url.searchParams.get(parameter))) {
        url.searchParams.delete(parameter)
        res.setHeader('set-cookie', `${cookieName}=${token}; Path=/; HttpOnly; SameSite=Strict`)
        res.writeHead(303, { location: `/${url.pathname.replace(/^\/+/, '')}${url.search}` }).end()
        return false
      }
      return isToken(cookie)
    },
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
