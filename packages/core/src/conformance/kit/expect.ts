import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { isMqError, type MqError, type MqErrorCode } from '../../index.js'

/** Returns the error with which the promise rejects. It has to be an `MqError` with one of the codes. */
export async function rejection(promise: Promise<unknown>, ...codes: readonly MqErrorCode[]): Promise<MqError> {
  const wanted = codes.join(' or ')
  let value: unknown
  try {
    value = await promise
  } catch (error) {
    if (isMqError(error) && codes.includes(error.code)) return error
    throw new Error(`Expected a rejection with ${wanted}, found ${inspect(error)}`, { cause: error })
  }
  throw new Error(`Expected a rejection with ${wanted}, but the call resolved with ${inspect(value)}`)
}

/** Throws if the password is found in any printed form of the values, at any depth. */
export function assertWithout(secret: string, ...values: readonly unknown[]): void {
  const forms = [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')]
  for (const value of values) {
    const text = printed(value)
    for (const form of forms)
      assert.ok(!text.includes(form), 'The password can be read in an error, a log or an inspection')
  }
}

/** Returns the value in every form in which it is commonly printed. */
export function printed(value: unknown): string {
  const stack = value instanceof Error ? `${value.stack} ${inspect(value.cause, inspectAll)}` : ''
  return [inspect(value, inspectAll), json(value), stack].join(' ')
}

const inspectAll = {
  depth: 12,
  showHidden: true,
  getters: false,
  maxStringLength: null,
  maxArrayLength: 10_000,
} as const

function json(value: unknown): string {
  try {
    return JSON.stringify(value) ?? ''
  } catch {
    return ''
  }
}

/** Returns how long the promise took to settle, in milliseconds, and how it settled. */
export async function timed<T>(
  promise: Promise<T>,
): Promise<{ readonly tookMs: number; readonly value?: T; readonly error?: unknown }> {
  const startedAt = performance.now()
  try {
    const value = await promise
    return { value, tookMs: performance.now() - startedAt }
  } catch (error) {
    return { error, tookMs: performance.now() - startedAt }
  }
}

/** Returns the integers from 0 below `count`. */
export const range = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index)

export const sorted = (values: Iterable<string>): readonly string[] => [...values].sort()
