import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { AdapterHealth } from '../src/adapter.js'
import { probes } from '../src/index.js'
import { mqErrorOf, typeErrorOf } from './support/errors.js'
import { connected, gate, unconnected } from './support/queues.js'

async function serve(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  return async (path: string, method = 'GET') => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method })
    return { status: response.status, body: await response.text(), headers: response.headers }
  }
}

describe('probes', () => {
  it('say that the process lives in every state, and that it is ready only while it is connected', async () => {
    const stopping = gate()
    const { queue } = unconnected({ disconnect: () => stopping.passed })
    const ask = await serve(probes(queue))
    const statuses = async () => [(await ask('/live')).status, (await ask('/ready')).status]
    expect(await statuses()).toEqual([200, 503])
    await queue.connect()
    expect(await statuses()).toEqual([200, 200])
    const disconnecting = queue.disconnect()
    expect(await statuses()).toEqual([200, 503])
    stopping.open()
    await disconnecting
    expect(await statuses()).toEqual([200, 503])
  })

  it.each([
    ['up', 200],
    ['degraded', 200],
    ['down', 503],
  ] as const)('answer %s with %i, and say which consumers there are', async (status, expected) => {
    const consumers = [{ topic: 't', group: 'g', status: 'recovering' }] as const
    const { queue } = await connected({ health: () => ({ status, consumers }) })
    const ask = await serve(probes(queue))
    const { status: got, body } = await ask('/ready?verbose')
    expect({ got, body: JSON.parse(body) }).toEqual({ got: expected, body: { status, state: 'connected', consumers } })
    expect(JSON.parse((await ask('/live')).body)).toEqual({ status: 'up' })
  })

  it('let the application decide what ready means, and are not ready if it cannot say', async () => {
    const health = { status: 'degraded', consumers: [] } as AdapterHealth
    const { queue } = await connected({ health: () => health })
    const strict = await serve(probes(queue, { isReady: ({ status }) => status === 'up' }))
    expect((await strict('/ready')).status).toBe(503)
    const lenient = await serve(probes(queue, { isReady: () => true }))
    expect((await lenient('/ready')).status).toBe(200)
    const failing = () => {
      throw new Error('no idea')
    }
    const broken = await serve(probes(queue, { isReady: failing }))
    expect((await broken('/ready')).status).toBe(503)
    expect((await broken('/live')).status).toBe(200)
  })

  it('leave every other path to the application, and answer 404 where there is none', async () => {
    const { queue } = await connected()
    const alone = await serve(probes(queue))
    for (const path of ['/', '/lively', '/health/live', '/live/']) expect((await alone(path)).status).toBe(404)
    const probe = probes(queue, { base: '/health' })
    const ask = await serve((req, res) => probe(req, res, () => res.end('the application')))
    expect((await ask('/live')).body).toBe('the application')
    expect((await ask('/health/live')).status).toBe(200)
    expect((await ask('/health/ready')).status).toBe(200)
  })

  it('take GET and HEAD alone, and are neither stored nor kept open', async () => {
    const { queue } = await connected()
    const ask = await serve(probes(queue))
    expect(await ask('/ready', 'HEAD')).toMatchObject({ status: 200, body: '' })
    const refused = await ask('/ready', 'POST')
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    const { headers } = await ask('/live')
    expect([headers.get('cache-control'), headers.get('connection')]).toEqual(['no-store', 'close'])
  })

  it('refuse options that mean nothing', async () => {
    const { queue } = await connected()
    const given = (options: unknown) => () => probes(queue, options as never)
    for (const options of [null, [], { base: 7 }, { isReady: true }]) await typeErrorOf(given(options))
    for (const options of [{ path: '/x' }, { base: 'health' }, { base: '/health/' }, { base: '/a?b' }]) {
      await mqErrorOf(given(options), 'MQ_INVALID_OPTION')
    }
  })
})
