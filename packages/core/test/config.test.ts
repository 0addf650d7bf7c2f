import { describe, expect, it } from 'vitest'
import { configVariables, queueConfigFromEnv } from '../src/index.js'
import { mqErrorOf } from './support/errors.js'

const url = 'redis://app:hunter2@cache:6379/1'

describe('queueConfigFromEnv', () => {
  it('reads every variable', () => {
    const env = {
      MQ_URL: ` ${url} `,
      MQ_GROUP: 'welcome',
      MQ_SOURCE: '/shop/orders',
      MQ_PUBLISH_TIMEOUT_MS: '1500',
      MQ_OPERATION_TIMEOUT_MS: '2500',
      MQ_STOP_TIMEOUT_MS: '3500',
      PATH: '/bin',
    }
    expect(queueConfigFromEnv(env)).toEqual({
      url,
      options: {
        group: 'welcome',
        source: '/shop/orders',
        publishTimeoutMs: 1_500,
        operationTimeoutMs: 2_500,
        stopTimeoutMs: 3_500,
      },
    })
    expect(Object.keys(env).filter((name) => name.startsWith('MQ_'))).toEqual([...configVariables])
  })

  it('takes an empty variable for one that is absent', () => {
    const env = Object.fromEntries(configVariables.map((name) => [name, name === 'MQ_URL' ? 'memory:' : '  ']))
    expect(queueConfigFromEnv(env)).toEqual({ url: 'memory:', options: {} })
  })

  it('takes the default URL where MQ_URL is not set, and only there', () => {
    expect(queueConfigFromEnv({}, { url: 'memory:' }).url).toBe('memory:')
    expect(queueConfigFromEnv({ MQ_URL: url }, { url: 'memory:' }).url).toBe(url)
  })

  it('takes the URL of a unix socket', () => {
    const socket = 'redis+unix://app:hunter2@/run/redis.sock?db=1'
    expect(queueConfigFromEnv({ MQ_URL: socket })).toEqual({ url: socket, options: {} })
  })

  it('says which variable is missing and what it looks like', async () => {
    const error = await mqErrorOf(() => queueConfigFromEnv({}), 'MQ_INVALID_CONFIG')
    expect(error.message).toMatch(/^MQ_URL is not set.*redis:\/\//)
  })

  it.each([
    ['MQ_URL', 'cache:6379/1'],
    ['MQ_URL', 'no scheme at all'],
    ['MQ_URL', 'mysql://app:hunter2@db/queue'],
    ['MQ_URL', 'app:hunter2@cache'],
    ['MQ_URL', '//app:hunter2@cache'],
    ['MQ_GROUP', 'two words'],
    ['MQ_SOURCE', 'two words'],
    ['MQ_SOURCE', 'naïve'],
    ['MQ_PUBLISH_TIMEOUT_MS', '0'],
    ['MQ_PUBLISH_TIMEOUT_MS', '10s'],
    ['MQ_OPERATION_TIMEOUT_MS', '-5'],
    ['MQ_OPERATION_TIMEOUT_MS', '1e3'],
    ['MQ_STOP_TIMEOUT_MS', '1.5'],
    ['MQ_STOP_TIMEOUT_MS', '99999999999'],
  ])('refuses %s=%s, names the variable and shows no password', async (name, value) => {
    const error = await mqErrorOf(() => queueConfigFromEnv({ MQ_URL: url, [name]: value }), 'MQ_INVALID_CONFIG')
    expect(error.message).toMatch(new RegExp(`^${name} `))
    expect(error.message).not.toContain('hunter2')
  })

  it('accepts a type that is not known for a default URL no more than for MQ_URL', async () => {
    await mqErrorOf(() => queueConfigFromEnv({}, { url: 'mysql://db' }), 'MQ_INVALID_CONFIG')
  })
})
