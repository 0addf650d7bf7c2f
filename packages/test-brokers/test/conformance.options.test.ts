import { afterEach, describe, expect, it, vi } from 'vitest'
import { conformanceOptions, faultsOf } from '../src/index.js'

afterEach(() => vi.unstubAllEnvs())

describe('conformanceOptions', () => {
  it('allow no required case to be left out, and write reports', () => {
    vi.stubEnv('MQ_TEST_REDIS_URL', '')
    vi.stubEnv('MQ_TEST_LONG', undefined)
    vi.stubEnv('MQ_CONFORMANCE_SEED', undefined)
    const options = conformanceOptions('redis')
    const reportFolder = expect.stringMatching(/temp.conformance.?$/)
    expect(options).toEqual({ complete: true, brokers: 3, patience: 3, long: false, reportFolder })
  })

  it('start one cluster at a time, whose reports are apart and may lack cases', () => {
    vi.stubEnv('MQ_TEST_REDIS_URL', '')
    vi.stubEnv('MQ_TEST_CLUSTER', '1')
    const options = conformanceOptions('redis')
    expect(options).toMatchObject({ complete: false, reportFolder: expect.stringMatching(/conformance.cluster$/) })
    expect(options).not.toHaveProperty('brokers')
    expect(Object.keys(faultsOf('redis'))).not.toContain('wrongCredentials')
    expect(Object.keys(faultsOf('rabbitmq'))).toContain('wrongCredentials')
  })

  it('read the long cases and the seed from the environment', () => {
    vi.stubEnv('MQ_TEST_LONG', '1')
    vi.stubEnv('MQ_CONFORMANCE_SEED', '42')
    expect(conformanceOptions('memory')).toMatchObject({ complete: true, long: true, seed: 42 })
    vi.stubEnv('MQ_CONFORMANCE_SEED', '4x')
    expect(() => conformanceOptions('memory')).toThrow(
      "MQ_CONFORMANCE_SEED must be a whole number, as in a report, not '4x'",
    )
  })

  it('leave out cases that a broker from the environment does not allow', () => {
    vi.stubEnv('MQ_TEST_KAFKA_URL', 'kafka://127.0.0.1:1')
    vi.stubEnv('MQ_TEST_RABBITMQ_URL', 'amqp://127.0.0.1:1')
    expect(conformanceOptions('kafka').complete).toBe(false)
    expect(conformanceOptions('kafka')).not.toHaveProperty('brokers')
    expect(Object.keys(faultsOf('kafka'))).toEqual(['unreachable', 'wrongCredentials'])
    const kept = Object.keys(faultsOf('rabbitmq'))
    expect(kept).toContain('freeze')
    for (const name of ['kill', 'restart', 'block']) expect(kept).not.toContain(name)
  })
})
