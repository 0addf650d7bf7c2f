import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoffMs, decideRetry, defaultRetryPolicy, retryPolicy } from '../src/consume/retry.js'
import { RetryLater, type RetryOptions, Unrecoverable } from '../src/index.js'

class NetworkError extends Error {
  override readonly name: string = 'NetworkError'
  readonly code = 'ECONNRESET'
}
class DnsError extends NetworkError {}

const plain = (options: RetryOptions = {}) => retryPolicy({ jitter: 'none', ...options })
const anyError = new Error('broken')
const attempts = fc.integer({ min: 1, max: 1_000 })

describe('the number of attempts', () => {
  it('allows exactly as many runs as the policy says', () => {
    fc.assert(
      fc.property(attempts, attempts, (limit, attempt) => {
        const decision = decideRetry(plain({ attempts: limit }), { attempt, error: anyError })
        expect(decision.retry).toBe(attempt < limit)
      }),
    )
  })

  it('counts a RetryLater like any other failed run', () => {
    const error = new RetryLater({ afterMs: 7_000_000 })
    const policy = plain({ attempts: 3, maxDelayMs: 10 })
    expect(decideRetry(policy, { attempt: 2, error })).toEqual({ retry: true, delayMs: 7_000_000 })
    expect(decideRetry(policy, { attempt: 3, error })).toEqual({ retry: false })
  })

  it('ends at once with Unrecoverable, whatever a rule says', () => {
    const policy = plain({ rules: [{ match: Unrecoverable, retry: { attempts: 9 } }] })
    expect(decideRetry(policy, { attempt: 1, error: new Unrecoverable('no such user') })).toEqual({ retry: false })
  })
})

describe('the backoff', () => {
  it('grows by the factor from the delay up to the cap', () => {
    const policy = plain({ delayMs: 100, factor: 3, maxDelayMs: 2_000 })
    expect([1, 2, 3, 4, 5].map((attempt) => backoffMs(policy, attempt))).toEqual([100, 300, 900, 2_000, 2_000])
  })

  it('stays the same with fixed, and within the cap', () => {
    expect(backoffMs(plain({ backoff: 'fixed', delayMs: 50 }), 9)).toBe(50)
    expect(backoffMs(plain({ backoff: 'fixed', delayMs: 50, maxDelayMs: 20 }), 9)).toBe(20)
  })

  it('is a finite time from 0 to the cap for every policy and attempt, and never shrinks', () => {
    const span = fc.integer({ min: 0, max: 31_536_000_000 })
    const factor = fc.double({ min: 1, max: 1_000, noNaN: true })
    fc.assert(
      fc.property(span, span, factor, fc.integer({ min: 1, max: 999 }), (delayMs, maxDelayMs, by, attempt) => {
        const policy = plain({ delayMs, maxDelayMs, factor: by })
        const delay = backoffMs(policy, attempt)
        expect(delay).toBeGreaterThanOrEqual(0)
        expect(delay).toBeLessThanOrEqual(maxDelayMs)
        expect(backoffMs(policy, attempt + 1)).toBeGreaterThanOrEqual(delay)
      }),
    )
  })

  it('may be a function of the attempt and the error', () => {
    const policy = plain({ backoff: (attempt, error) => attempt * (error === anyError ? 10 : 1), maxDelayMs: 25 })
    expect(backoffMs(policy, 2, anyError)).toBe(20)
    expect(backoffMs(policy, 2, 'other')).toBe(2)
    expect(backoffMs(policy, 3, anyError)).toBe(25)
  })

  it.each([
    ['throws', () => JSON.parse('{') as number],
    ['returns NaN', () => Number.NaN],
    ['returns a negative number', () => -1],
    ['returns infinity', () => Number.POSITIVE_INFINITY],
    ['returns a text', () => '5' as unknown as number],
    ['returns a promise', () => Promise.resolve(5) as unknown as number],
  ])('falls back to delayMs when the function %s', (_, backoff) => {
    expect(decideRetry(plain({ backoff, delayMs: 123 }), { attempt: 1, error: anyError })).toEqual({
      retry: true,
      delayMs: 123,
    })
  })
})

describe('jitter', () => {
  const bounds = { none: [1, 1], equal: [0.5, 1], full: [0, 1] } as const
  it.each(['none', 'equal', 'full'] as const)('keeps %s within its bounds', (jitter) => {
    const [low, high] = bounds[jitter]
    const policy = plain({ backoff: 'fixed', delayMs: 1_000, jitter })
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (random) => {
        const decision = decideRetry(policy, { attempt: 1, error: anyError, random: () => random })
        const delayMs = decision.retry ? decision.delayMs : Number.NaN
        expect(delayMs).toBeGreaterThanOrEqual(1_000 * low)
        expect(delayMs).toBeLessThanOrEqual(1_000 * high)
      }),
    )
    const ends = [0, 0.5].map((random) => decideRetry(policy, { attempt: 1, error: anyError, random: () => random }))
    expect(ends).toEqual([0, 0.5].map((random) => ({ retry: true, delayMs: 1_000 * (low + (high - low) * random) })))
  })

  it('spreads the retries of many messages by default', () => {
    const delays = Array.from({ length: 50 }, () => decideRetry(defaultRetryPolicy, { attempt: 1, error: anyError }))
    expect(new Set(delays.map((decision) => JSON.stringify(decision))).size).toBeGreaterThan(40)
  })
})

describe('rules', () => {
  const decide = (options: RetryOptions, error: unknown, attempt = 1) => decideRetry(plain(options), { attempt, error })
  const never = { retry: false } as const

  it('match by class, and by the class it extends', () => {
    const rules = [{ match: NetworkError, retry: false }] as const
    expect(decide({ rules }, new NetworkError())).toEqual(never)
    expect(decide({ rules }, new DnsError())).toEqual(never)
    expect(decide({ rules }, new Error()).retry).toBe(true)
    expect(decide({ rules: [{ match: Error, retry: false }] }, new DnsError())).toEqual(never)
  })

  it('match by name, by code and by predicate', () => {
    expect(decide({ rules: [{ match: 'NetworkError', retry: false }] }, new NetworkError())).toEqual(never)
    expect(decide({ rules: [{ match: 'ECONNRESET', retry: false }] }, new NetworkError())).toEqual(never)
    const status = (error: unknown) => (error as { status?: number }).status === 404
    expect(decide({ rules: [{ match: status, retry: false }] }, { status: 404 })).toEqual(never)
    expect(decide({ rules: [{ match: status, retry: false }] }, { status: 500 }).retry).toBe(true)
  })

  it('replace only the options that they give, and the first that matches counts', () => {
    const rules = [
      { match: DnsError, retry: { delayMs: 5 } },
      { match: NetworkError, retry: { attempts: 10, backoff: 'fixed' } },
    ] as const
    const options = { attempts: 3, delayMs: 100, rules } as const
    expect(decide(options, new DnsError(), 2)).toEqual({ retry: true, delayMs: 10 })
    expect(decide(options, new DnsError(), 3)).toEqual(never)
    expect(decide(options, new NetworkError(), 9)).toEqual({ retry: true, delayMs: 100 })
  })

  it('leave a policy as it is where they give an option as undefined', () => {
    const retry = { attempts: undefined, delayMs: undefined } as object as RetryOptions
    expect(decide({ attempts: 3, rules: [{ match: Error, retry }] }, anyError, 3)).toEqual(never)
    expect(decide({ delayMs: 9, rules: [{ match: Error, retry }] }, anyError)).toEqual({ retry: true, delayMs: 9 })
  })

  it('do not match where a predicate throws, and survive whatever is thrown', () => {
    const rules = [
      { match: (error: unknown) => (error as { deep: { a: 1 } }).deep.a === 1, retry: false },
      { match: 'ECONNRESET', retry: false },
    ] as const
    const hostile = new Proxy(
      {},
      {
        get() {
          throw new Error('no')
        },
        has() {
          throw new Error('no')
        },
      },
    )
    for (const error of [undefined, null, 'text', 5, Symbol('s'), hostile]) {
      expect(decide({ rules }, error).retry).toBe(true)
    }
  })
})
