import type { IncomingMessage, ServerResponse } from 'node:http'

/** Sends a whole page. */
export function sendHtml(res: ServerResponse, status: number, html: string): void {
  if (res.headersSent || res.writableEnded) return
  res.statusCode = status
  res.setHeader('content-type', 'text/html; charset=utf-8')
  res.setHeader('content-length', Buffer.byteLength(html))
  res.end(res.req.method === 'HEAD' ? undefined : html)
}

/** Sends the browser to another part of this page, which it gets anew. */
export function redirect(res: ServerResponse, to: string): void {
  res.statusCode = 303
  res.setHeader('location', to)
  res.setHeader('content-length', 0)
  res.end()
}

/** Returns whether the browser has reached the page by TLS, as far as this process knows. */
export function isSecure(req: IncomingMessage): boolean {
  const isEncrypted = (req.socket as { readonly encrypted?: boolean }).encrypted === true
  return isEncrypted || /^https\b/i.test(String(req.headers['x-forwarded-proto'] ?? ''))
}
