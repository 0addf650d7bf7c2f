import { afterEach, describe, expect, it, vi } from 'vitest'
import { askedVersion, imageOf, numberOf } from '../src/install/versions.js'

afterEach(() => vi.unstubAllEnvs())

describe('the version of a broker', () => {
  it('is that of the PATH unless a variable asks for another one', () => {
    vi.stubEnv('MQ_TEST_REDIS_VERSION', '')
    expect(askedVersion('redis')).toBeUndefined()
    expect(imageOf('redis', 'redis:8')).toBe('redis:8')
  })

  it.each([
    ['rabbitmq', '4.3', 'forky', '4.3', 'rabbitmq:4.3'],
    ['redis', '8.0', 'trixie', '8.0', 'redis:8.0'],
    ['redis', 'valkey-9.1', 'forky', '9.1', 'valkey/valkey:9.1'],
  ] as const)('of %s can be %s', (kind, version, suite, number, image) => {
    vi.stubEnv(`MQ_TEST_${kind.toUpperCase()}_VERSION`, version)
    const asked = askedVersion(kind)
    expect(asked).toMatchObject({ version, suite })
    expect(asked && numberOf(asked)).toBe(number)
    expect(imageOf(kind, 'another')).toBe(image)
  })

  it('is refused with the known ones if there is none of that number', () => {
    vi.stubEnv('MQ_TEST_RABBITMQ_VERSION', '5.0')
    expect(() => askedVersion('rabbitmq')).toThrow("MQ_TEST_RABBITMQ_VERSION is '5.0'; known are 3.10, 4.0, 4.3")
  })
})
