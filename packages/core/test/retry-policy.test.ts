import { describe, expect, it } from 'vitest'
import { defaultRetryPolicy, retryPolicy } from '../src/consume/retry.js'
import type { RetryOptions } from '../src/index.js'
import { mqErrorOf, typeErrorOf } from './support/errors.js'

const loosely = (options: unknown) => () => retryPolicy(options as RetryOptions)

describe('retryPolicy', () => {
  it('is the default where nothing is given: five attempts, exponential from a second, with jitter', () => {
    expect(retryPolicy(undefined)).toBe(defaultRetryPolicy)
    expect(defaultRetryPolicy).toEqual({
      attempts: 5,
      backoff: 'exponential',
      delayMs: 1_000,
      factor: 2,
      maxDelayMs: 300_000,
      jitter: 'equal',
      rules: [],
    })
  })

  it('fills in from the base what is left out or undefined', () => {
    const base = retryPolicy({ attempts: 9, delayMs: 5 })
    expect(retryPolicy({ factor: 3, ...JSON.parse('{}') }, base)).toEqual({ ...base, factor: 3 })
    expect(loosely({ attempts: undefined })()).toEqual(defaultRetryPolicy)
  })

  it('is a single attempt without rules for false', () => {
    const base = retryPolicy({ rules: [{ match: Error, retry: { attempts: 4 } }] })
    expect(retryPolicy(false, base)).toMatchObject({ attempts: 1, rules: [] })
  })

  it.each([
    [{ attempts: 0 }, 'retry.attempts'],
    [{ attempts: 1.5 }, 'retry.attempts'],
    [{ attempts: 1_001 }, 'retry.attempts'],
    [{ attempts: Number.NaN }, 'retry.attempts'],
    [{ delayMs: -1 }, 'retry.delayMs'],
    [{ delayMs: Number.POSITIVE_INFINITY }, 'retry.delayMs'],
    [{ maxDelayMs: 31_536_000_001 }, 'retry.maxDelayMs'],
    [{ factor: 0.5 }, 'retry.factor'],
    [{ backoff: 'linear' }, 'retry.backoff'],
    [{ jitter: 'some' }, 'retry.jitter'],
    [{ maxAttempts: 3 }, 'maxAttempts'],
    [{ rules: [{ match: 'E', retry: { attempts: -1 } }] }, 'retry.attempts'],
    [{ rules: [{ match: 'E', retry: { delay: 1 } }] }, 'delay'],
  ])('refuses %j and names what is wrong', async (options, name) => {
    expect((await mqErrorOf(loosely(options), 'MQ_INVALID_OPTION')).message).toContain(name)
  })

  it.each([
    ['a policy that is no object', 3],
    ['true', true],
    ['null', null],
    ['an array', []],
    ['attempts as a text', { attempts: '3' }],
    ['rules that are no array', { rules: {} }],
    ['a rule that is no object', { rules: [null] }],
    ['a rule without match', { rules: [{ retry: false }] }],
    ['a rule without retry', { rules: [{ match: Error }] }],
    ['a rule that retries by true', { rules: [{ match: Error, retry: true }] }],
  ])('refuses %s with a TypeError', async (_, options) => {
    await typeErrorOf(loosely(options))
  })
})
