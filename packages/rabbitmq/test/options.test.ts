import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import factory, { rabbitmq } from '../src/index.js'
import { parseAddress } from '../src/options/url.js'
import { settingsOf } from '../src/options.js'

describe('options', () => {
  it('the capabilities are these', () => {
    expect(rabbitmq().capabilities).toEqual({
      durable: true,
      embedded: false,
      retainsUnrouted: false,
      startFromEarliest: false,
      orderedKeys: true,
      countsCrashes: true,
      exactAttempts: false,
      delayResolutionMs: 250,
      maxDelayMs: 6_710_886_300,
      maxHandlerMs: 1_710_000,
      maxMessageBytes: 921_600,
      publishDedupeMs: 0,
      redeliveryMs: 90_000,
      listsTopics: false,
      listsGroups: false,
      pausesGroups: true,
    })
    expect(
      rabbitmq({ consumerTimeoutMs: 100_000, heartbeatMs: 2_000, maxMessageBytes: 10 }).capabilities,
    ).toMatchObject({
      maxHandlerMs: 95_000,
      redeliveryMs: 6_000,
      maxMessageBytes: 10,
    })
    expect(factory).toBe(rabbitmq)
  })

  it('a URL gives hosts, login and vhost, decoded', () => {
    expect(parseAddress('amqps://us%C3%A9r:p%40s%2Fs@[::1]/a%2Fb', ['second', 'third:1234', '[::2]:99'])).toEqual({
      isSecure: true,
      endpoints: [
        { host: '::1', port: 5671 },
        { host: 'second', port: 5671 },
        { host: 'third', port: 1234 },
        { host: '::2', port: 99 },
      ],
      login: { username: 'usér', password: 'p@s/s' },
      vhost: 'a/b',
    })
    expect(parseAddress('amqp://localhost', [])).toMatchObject({
      endpoints: [{ host: 'localhost', port: 5672 }],
      login: { username: 'guest', password: 'guest' },
      vhost: '/',
    })
  })

  it.each([
    'http://host',
    'amqp:host',
    'amqp://u:s3cret@host:port',
    'amqp://u:s3cret@host/a/b',
    'amqp://u:s3cret@host?heartbeat=5',
    'amqp://u:s3cret%zz@host',
  ])('refuses the URL %s without showing a password', (url) => {
    let thrown: unknown
    try {
      rabbitmq({ url })
    } catch (error) {
      thrown = error
    }
    expect(thrown).toMatchObject({ code: 'MQ_INVALID_URL' })
    expect(inspect(thrown, { showHidden: true })).not.toContain('s3cret')
  })

  it.each([
    [{ hosts: ['amqp://host'] }, 'MQ_INVALID_OPTION'],
    [{ heartbeatMs: 10 }, 'MQ_INVALID_OPTION'],
    [{ prefix: 'a--b' }, 'MQ_INVALID_NAME'],
    [{ queueArguments: { 'x-delivery-limit': 3 } }, 'MQ_INVALID_OPTION'],
    [{ pasword: 'x' }, 'MQ_INVALID_OPTION'],
  ])('refuses %j', (options, code) => {
    expect(() => rabbitmq(options as never)).toThrow(expect.objectContaining({ code }))
  })

  it.each([
    { url: 5 },
    { password: 5 },
    { hosts: 'host' },
    { tls: 'x' },
    { createClient: {} },
    { connectTimeoutMs: '5' },
  ])('a wrong type as in %j is a TypeError', (options) => {
    expect(() => rabbitmq(options as never)).toThrow(TypeError)
  })

  it('heartbeats are whole seconds', () => {
    expect(settingsOf({ heartbeatMs: 1_500 }).heartbeatSeconds).toBe(2)
  })

  it('nothing of an adapter shows the password', () => {
    const adapter = rabbitmq({ url: 'amqp://u:s3cret@host', password: 's3cret-too' })
    expect(inspect(adapter, { depth: 9, showHidden: true })).not.toContain('s3cret')
    expect(JSON.stringify(adapter)).not.toContain('s3cret')
  })
})
