import { readFileSync } from 'node:fs'
import { openQueue } from '@mq/core'
import { brokers, shared } from '@mq/test-brokers'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { build, type Program, start, stop } from './program.js'

const example = 'fastify-service'
const runMs = 60_000
const order = { orderId: '7', amountCents: 1_999 }
const invoice = { file: 'invoices/7.pdf', total: '19.99 EUR' }

interface Service {
  readonly program: Program
  get(path: string): Promise<Response>
  post(path: string, body: unknown): Promise<Response>
}

async function serve(env: Readonly<Record<string, string>>): Promise<Service> {
  const program = start(example, { PORT: '0', ...env })
  const [, address] = await program.printed(/"msg":"Server listening at ([^"]+)"/)
  const send = (path: string, init: RequestInit = {}) =>
    fetch(`${address}${path}`, { signal: AbortSignal.timeout(30_000), ...init })
  return {
    program,
    get: (path) => send(path),
    post: (path, body) =>
      send(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  }
}

describe('a fastify service', () => {
  beforeAll(() => build(example))

  it(
    'answers with the result to who waits, with its place to who does not, and refuses what is invalid',
    async () => {
      const { program, get, post } = await serve({})
      const manifest = readFileSync(new URL('../examples/fastify-service/kubernetes.yaml', import.meta.url), 'utf8')
      const paths = [...manifest.matchAll(/httpGet:\s+path: (\S+)/g)].map(([, path]) => path as string)
      expect(new Set(paths)).toEqual(new Set(['/health/live', '/health/ready']))
      for (const path of paths) {
        const health = await get(path)
        expect([health.status, ((await health.json()) as { status: string }).status]).toEqual([200, 'up'])
      }
      const waited = await post('/invoices?waitMs=20000', order)
      expect([waited.status, await waited.json()]).toEqual([200, invoice])

      const later = await post('/invoices', order)
      expect(later.status).toBe(202)
      const place = later.headers.get('location') ?? ''
      await expect.poll(async () => (await get(place)).status, { timeout: 20_000 }).toBe(200)
      expect(await (await get(place)).json()).toEqual(invoice)

      for (const path of ['/orders', '/invoices']) {
        const refused = await post(path, { orderId: '7', amountCents: -1 })
        expect(refused.status).toBe(400)
        expect(((await refused.json()) as { error: string }).error).toContain('amountCents')
      }
      await stop(program)
    },
    runMs,
  )

  it(
    'that is told to stop answers the request that waits, and ends with 0',
    async () => {
      const { program, post } = await serve({})
      const answer = post('/invoices?waitMs=20000', order)
      await program.printed(/"url":"\/invoices[^}]*\}.*"msg":"incoming request"/)
      const stopped = stop(program)
      expect(await (await answer).json()).toEqual(invoice)
      await stopped
    },
    runMs,
  )

  describe.skipIf(!brokers.wanted('redis'))('on Redis', () => {
    it(
      'publishes for others, and any of its instances knows the result',
      async () => {
        const { url } = await shared('redis')
        const env = { MQ_URL: url, REDIS_URL: url }
        const [one, other] = await Promise.all([serve(env), serve(env)])
        const queue = await openQueue(url, { group: 'test' })
        onTestFinished(() => queue.disconnect())
        const published = new Promise<unknown>((resolve) => {
          void queue.subscribe('order.placed', ({ id, data, key, source }) => resolve({ id, data, key, source }))
        })
        await queue.declareGroup('order.placed', 'test')
        const placed = await one.post('/orders', order)
        expect(placed.status).toBe(202)
        const { eventId } = (await placed.json()) as { eventId: string }
        expect(await published).toEqual({ id: eventId, data: order, key: '7', source: '/orders' })

        const place = (await one.post('/invoices', order)).headers.get('location') ?? ''
        await expect.poll(async () => (await other.get(place)).status, { timeout: 20_000 }).toBe(200)
        expect(await (await other.get(place)).json()).toEqual(invoice)
        await Promise.all([stop(one.program), stop(other.program)])
      },
      runMs,
    )
  })
})
