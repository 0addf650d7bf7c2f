import { brokers, shared } from '@mq/test-brokers'
import { describe, expect, it } from 'vitest'
import { builtDemo, expectGoodRun, run, runMs } from './application.js'

describe.each(['rabbitmq', 'redis', 'kafka', 'postgres'] as const)('the demo on %s', (kind) => {
  it.skipIf(!brokers.wanted(kind))(
    'delivers to everybody, with a worker in a separate process',
    { timeout: 2 * runMs },
    async () => {
      const { url } = await shared(kind)
      const { code, output } = await run(builtDemo, ['--broker', url]).ended
      expectGoodRun(output)
      expect(output).toContain(`${kind} (`)
      expect(output).toContain('the worker is a separate process')
      expect(code).toBe(0)
    },
  )
})

describe.skipIf(!brokers.wanted('redis') || !brokers.wanted('postgres'))('the demo with a database', () => {
  it('stores each user and its event in one transaction, and sends the events to Redis', {
    timeout: 2 * runMs,
  }, async () => {
    const [redis, postgres] = [await shared('redis'), await shared('postgres')]
    const { code, output } = await run(builtDemo, ['--broker', redis.url, '--database', postgres.url]).ended
    expectGoodRun(output)
    expect(output).toMatch(/database +postgres:\/\/.*a user and its event are one transaction/)
    expect(output).not.toContain(postgres.password)
    expect(code).toBe(0)
  })
})
