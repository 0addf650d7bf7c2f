import { createServer } from 'node:net'
import { brokers, shared } from '@mq/test-brokers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { claiming } from './support/claiming.js'
import { examine } from './support/doctor.js'
import { mq } from './support/mq.js'

describe('mq doctor without a connection', () => {
  it.each(['redis://user:geheim@127.0.0.1:1', 'amqp://user:geheim@127.0.0.1:1', 'kafka://127.0.0.1:1'])(
    'says that %s refuses the connection',
    async (url) => {
      const { exitCode, server, finding } = await examine(url)
      expect({ exitCode, server }).toEqual({ exitCode: 1, server: null })
      expect(finding('connect.refused')).toMatchObject({
        severity: 'error',
        problem: expect.not.stringContaining('geheim'),
        docs: expect.stringMatching(/^https:/),
      })
    },
  )

  it.each(['redis://nowhere.invalid', 'amqp://nowhere.invalid', 'kafka://nowhere.invalid'])(
    'says that the host of %s is not known',
    async (url) => {
      expect((await examine(url)).codes).toEqual(['connect.unknown-host'])
    },
  )

  it('says that nothing answers in time', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    onTestFinished(() => void silent.close())
    await new Promise((resolve) => silent.once('listening', resolve))
    const { port } = silent.address() as { port: number }
    expect((await examine(`redis://127.0.0.1:${port}`)).codes).toEqual(['connect.timeout'])
  })

  it('prints findings for people, and says so on stderr', async () => {
    const { code, stdout, stderr } = await mq(['doctor', '--url', 'redis://:geheim@127.0.0.1:1'])
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'mq: 1 problem found\n' })
    expect(stdout).toMatch(/^not connected\n\nerror {2}connect\.refused\n {2}.*ECONNREFUSED/)
    expect(stdout).toMatch(/\n1 error, 0 warnings, 0 infos\n$/)
    expect(stdout).not.toContain('geheim')
  })
})

/** Changes the answer that lists a key, the first and the last version of each request: Fetch is between Produce and ListOffsets. */
function withEarlierFetch(text: string): string {
  const bytes = Buffer.from(text, 'latin1')
  for (let at = 0; at + 14 <= bytes.length; at += 1) {
    if ([0, 6, 12].every((step, key) => bytes.readInt16BE(at + step) === key)) bytes.writeInt16BE(8, at + 10)
  }
  return bytes.toString('latin1')
}

describe('mq doctor on a broker that is too old', () => {
  it.skipIf(!brokers.wanted('redis'))('does not connect to Redis 6', async () => {
    const { url } = await shared('redis')
    const old = await claiming(url, (text) => text.replace(/redis_version:\d/, 'redis_version:6'))
    const { exitCode, server, codes, finding } = await examine(old)
    expect({ exitCode, server, codes }).toEqual({ exitCode: 1, server: null, codes: ['connect.version'] })
    expect(finding('connect.version').problem).toMatch(/Redis 6\S+ is too old: 7\.0 or newer is needed/)
  })

  it.skipIf(!brokers.wanted('kafka'))('does not connect to a Kafka whose requests end too early', async () => {
    const { url } = await shared('kafka')
    const old = await claiming(url, withEarlierFetch)
    const { exitCode, server, codes, finding } = await examine(old)
    expect({ exitCode, server, codes }).toEqual({ exitCode: 1, server: null, codes: ['connect.version'] })
    expect(finding('connect.version').problem).toMatch(/is too old: it knows Fetch up to version 8, not 10/)
  })

  it.skipIf(!brokers.wanted('rabbitmq'))('says so of RabbitMQ 2', async () => {
    const { url } = await shared('rabbitmq')
    // The length of the version stands before it.
    const old = await claiming(url, (text) => text.replace(/(versionS[\s\S]{4})\d/, '$12'))
    const { exitCode, finding } = await examine(old)
    expect(exitCode).toBe(1)
    expect(finding('rabbitmq.version').problem).toMatch(/RabbitMQ 2\S+ is too old: 3\.10 or newer is needed/)
  })
})
