import { createHmac, timingSafeEqual } from 'node:crypto'

export interface Signed {
  readonly id: string
  /** Seconds since 1970. */
  readonly timestamp: string
  readonly body: string
  readonly secret: string
}

/** Signs id, time and body with HMAC-SHA256, as https://www.standardwebhooks.com defines it. */
export function signatureOf({ id, timestamp, body, secret }: Signed): string {
  return `v1,${createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64')}`
}

const toleranceSeconds = 300

/** Returns why a signature is not trusted, or undefined if it is. An old one is not trusted, as the request may be a replay. */
export function distrust(signed: Signed, signature: string, now = Date.now()): string | undefined {
  const expected = Buffer.from(signatureOf(signed))
  const given = Buffer.from(signature)
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return 'The signature does not match'
  const age = Math.abs(now / 1000 - Number(signed.timestamp))
  return age <= toleranceSeconds ? undefined : 'The timestamp is too old or in the future'
}
