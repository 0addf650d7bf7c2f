import { readFile } from 'node:fs/promises'
import { parse } from 'csv-parse/sync'
import { z } from 'zod'
import type { Accepted, Refused } from './web.js'

const row = z.object({
  name: z.string(),
  email: z.string(),
  country: z.string(),
  /** How this sign-up must end. The demo fails if it ends in another way. */
  expect: z.enum(['mail', 'mail after retries', 'bounce', 'refused']),
})

export type Row = z.infer<typeof row>

export async function readSignUps(path: string | URL): Promise<readonly Row[]> {
  return z.array(row).parse(parse(await readFile(path), { columns: true, trim: true, skip_empty_lines: true }))
}

/** A sign-up with the answer of the web server. */
export type SignedUp = AcceptedSignUp | RefusedSignUp

export interface AcceptedSignUp {
  readonly row: Row
  readonly userId: string
  readonly eventId: string
}

export interface RefusedSignUp {
  readonly row: Row
  readonly status: number
  readonly reason: string
}

export const isAccepted = (signedUp: SignedUp): signedUp is AcceptedSignUp => 'userId' in signedUp
export const isRefused = (signedUp: SignedUp): signedUp is RefusedSignUp => 'reason' in signedUp

/** Signs up by a real HTTP request. */
export async function postSignUp(url: string, row: Row, signal: AbortSignal): Promise<SignedUp> {
  const { name, email, country } = row
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, email, country }),
    signal,
  })
  if (response.status === 202) {
    const { id, eventId } = (await response.json()) as Accepted
    return { row, userId: id, eventId }
  }
  const { message } = (await response.json()) as Refused
  return { row, status: response.status, reason: message }
}
