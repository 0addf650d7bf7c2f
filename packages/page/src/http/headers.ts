import type { ServerResponse } from 'node:http'

/** Only what this page itself serves may run or be shown, and no other site may frame it or send its forms. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Sets the headers of every answer. They replace those that the application has set for its own pages. */
export function setSecurityHeaders(res: ServerResponse): void {
  res.setHeader('content-security-policy', policy)
  res.setHeader('x-frame-options', 'DENY')
  res.setHeader('x-content-type-options', 'nosniff')
  // A form that is sent with `no-referrer` names no origin, which the protection of forms needs.
  res.setHeader('referrer-policy', 'same-origin')
  res.setHeader('cross-origin-opener-policy', 'same-origin')
  res.setHeader('cross-origin-resource-policy', 'same-origin')
  res.setHeader('x-robots-tag', 'noindex')
  res.setHeader('cache-control', 'no-store')
}
