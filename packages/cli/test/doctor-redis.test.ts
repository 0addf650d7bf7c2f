import { brokers, type RedisServer, redis } from '@mq/test-brokers'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { anHourAhead, examine } from './support/doctor.js'

describe.skipIf(!brokers.owned('redis'))('mq doctor on Redis', () => {
  const started = async (options: Parameters<typeof redis>[0]): Promise<RedisServer> => {
    const server = await redis(options)
    onTestFinished(() => server.stop())
    return server
  }
  const safe = { appendonly: 'yes', maxmemory: '100mb', 'maxmemory-policy': 'noeviction' }

  it('finds nothing but the missing replica of a server that is set up well', async () => {
    const { url, version } = await started({ config: safe })
    const { exitCode, server, codes } = await examine(url)
    expect({ exitCode, codes }).toEqual({ exitCode: 0, codes: ['redis.no-replica'] })
    expect(server).toMatch(/^(Redis|Valkey) \d+\.\d+/)
    if (version !== undefined) expect(server).toContain(version)
  })

  it('finds that there is no append-only file, and no limit of the memory', async () => {
    const { url } = await started({ config: { appendonly: 'no', maxmemory: '0' } })
    const { exitCode, finding } = await examine(url)
    expect(exitCode).toBe(1)
    expect(finding('redis.no-append-only-file').severity).toBe('error')
    expect(finding('redis.no-memory-limit').severity).toBe('info')
  })

  it('finds a policy that evicts messages or ids', async () => {
    const evicting = await started({ config: { ...safe, 'maxmemory-policy': 'allkeys-lru' } })
    const refused = await examine(evicting.url)
    expect(refused).toMatchObject({ exitCode: 1, server: null, codes: ['connect.eviction'] })
    expect(refused.finding('connect.eviction').problem).toContain('allkeys-lru')

    const volatile = await started({ config: { ...safe, 'maxmemory-policy': 'volatile-ttl' } })
    expect((await examine(volatile.url)).finding('redis.eviction').severity).toBe('error')

    const unlimited = await started({ config: { ...safe, maxmemory: '0', 'maxmemory-policy': 'allkeys-lru' } })
    expect((await examine(unlimited.url)).finding('redis.eviction')).toMatchObject({
      severity: 'warning',
      problem: expect.stringContaining('once maxmemory is set'),
    })
  })

  it('finds a memory that is nearly full', async () => {
    const { url } = await started({ config: { ...safe, maxmemory: '1mb' } })
    expect((await examine(url)).finding('redis.memory').severity).toBe('warning')
  })

  it('finds clocks that are apart', async () => {
    const { url } = await started({ config: safe })
    const { finding } = await examine(url, { node: anHourAhead })
    expect(finding('redis.clock').problem).toContain('3600 s apart')
  })

  describe('with logins', () => {
    const users = {
      all: { password: 'right', rules: '~* &* +@all' },
      few: { password: 'right', rules: '~mq:* &* +@all -xadd -zadd' },
      blind: { password: 'right', rules: '~mq:* &* +@all -info' },
    }
    let server: RedisServer
    beforeAll(async () => {
      server = await redis({ users, config: safe })
      return () => server.stop()
    })
    const urlOf = (user: string, password: string): string =>
      `redis://${user}:${password}@${server.host}:${server.port}`

    it('finds a wrong password', async () => {
      const { finding, findings } = await examine(urlOf('all', 'geheim'))
      expect(finding('connect.rights').problem).toMatch(/WRONGPASS|refused/)
      expect(JSON.stringify(findings)).not.toContain('geheim')
    })

    it('finds rights that are missing, and names them', async () => {
      const { finding } = await examine(urlOf('few', 'right'))
      expect(finding('connect.rights').problem).toMatch(/XADD/)
      expect(finding('connect.rights').problem).toMatch(/ZADD/)
    })

    it('says that the settings are unknown to a user without INFO', async () => {
      const { exitCode, finding } = await examine(urlOf('blind', 'right'))
      expect(exitCode).toBe(0)
      expect(finding('redis.info-refused').advice).toContain('+info')
    })
  })

  it('finds that TLS is missing, or that nobody knows the authority', async () => {
    const server = await started({ tls: true, config: safe })
    const address = `${server.host}:${server.port}`
    expect((await examine(`rediss://${address}`)).codes).toEqual(['connect.tls'])
    expect((await examine(`redis://${address}`)).findings[0]?.code).toMatch(/^connect\.(reset|failed|timeout)$/)
  })
})
