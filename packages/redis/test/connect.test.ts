import { connect } from 'node:net'
import type { Adapter } from '@mq/core'
import { type RedisOptions, redis } from '@mq/redis'
import { brokers, shared, until } from '@mq/test-brokers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Listening, listen } from './support/listen.js'
import { newTopic } from './support/open.js'

const adapterAt = ({ host, port }: Listening, options: RedisOptions = {}): Adapter => {
  const adapter = redis({ url: `redis://${host}:${port}`, ...options })
  onTestFinished(() => adapter.disconnect({ timeoutMs: 0 }))
  return adapter
}

const untilAllClosed = ({ sockets }: Listening): Promise<unknown> =>
  until(() => sockets.size === 0, { what: 'every socket to be closed', timeoutMs: 3_000 })

/** A way to the shared server on which new sockets can be made mute, and data can be held back from a given word on. */
async function between() {
  const { host, port } = await shared('redis')
  const way = { isMute: false, holdFrom: '' }
  const held: (() => void)[] = []
  const listening = await listen((inside) => {
    if (way.isMute) return
    const outside = connect(port, host).on('error', () => {})
    outside.pipe(inside)
    inside.on('close', () => outside.destroy())
    inside.on('data', (data) => {
      const pass = (): void => void outside.write(data)
      if (way.holdFrom !== '' && (held.length > 0 || data.includes(way.holdFrom))) held.push(pass)
      else pass()
    })
  })
  const release = (): void => {
    way.holdFrom = ''
    for (const pass of held.splice(0)) pass()
  }
  return Object.assign(way, listening, { release })
}

describe.skipIf(!brokers.wanted('redis'))('a connect', () => {
  it('that took too long leaves nothing open even if it succeeds later, and can be repeated', async () => {
    const way = await between()
    way.holdFrom = 'EVALSHA'
    const adapter = adapterAt(way, { connectTimeoutMs: 500 })
    await expect(adapter.connect()).rejects.toMatchObject({ code: 'MQ_CONNECT_TIMEOUT' })
    way.release()
    await untilAllClosed(way)
    expect(adapter.health().status).toBe('down')
    await adapter.connect()
    expect(adapter.health().status).toBe('up')
    expect(way.sockets.size).toBe(1)
    await adapter.disconnect({ timeoutMs: 0 })
    await untilAllClosed(way)
  })

  it('is shared by concurrent calls', async () => {
    const way = await between()
    const adapter = adapterAt(way)
    await Promise.all([adapter.connect(), adapter.connect()])
    expect(way.sockets.size).toBe(1)
  })

  it.each<[string, RedisOptions]>([
    ['a server', {}],
    ['a cluster', { cluster: true }],
  ])('to %s that is under way ends with a disconnect', async (_, options) => {
    const way = await listen()
    const adapter = adapterAt(way, options)
    const refused = expect(adapter.connect()).rejects.toMatchObject({ code: 'MQ_CLOSED' })
    await until(() => way.sockets.size === 1, { what: 'its socket' })
    await adapter.disconnect({ timeoutMs: 0 })
    await refused
    await untilAllClosed(way)
  })
})

describe.skipIf(!brokers.wanted('redis'))('a disconnect', () => {
  const ref = { topic: newTopic(), group: 'g' }

  it.each([false, true])('ends a subscribe that is under way (ephemeral: %s)', async (ephemeral) => {
    const way = await between()
    const adapter = adapterAt(way)
    await adapter.connect()
    await adapter.declareGroup(ref, { startFrom: 'latest' })
    way.isMute = true
    const options = { concurrency: 1, ordered: false, ephemeral }
    const subscribing = adapter.consume(ref, options, async () => ({ kind: 'done' }))
    const refused = expect(subscribing).rejects.toMatchObject({ code: 'MQ_CLOSED' })
    await until(() => way.sockets.size === 2, { what: 'its socket' })
    await adapter.disconnect({ timeoutMs: 0 })
    await refused
    await untilAllClosed(way)
  })

  it('ends calls that wait for the connection to come back', async () => {
    const way = await between()
    const adapter = adapterAt(way)
    await adapter.connect()
    way.isMute = true
    for (const socket of way.sockets) socket.destroy()
    await until(() => adapter.health().status === 'down', { what: 'it to be noticed' })
    const refused = expect(adapter.stats(ref)).rejects.toMatchObject({ code: 'MQ_CLOSED' })
    const startedAt = performance.now()
    await adapter.disconnect({ timeoutMs: 0 })
    await refused
    expect(performance.now() - startedAt).toBeLessThan(1_500)
    await untilAllClosed(way)
  })
})
