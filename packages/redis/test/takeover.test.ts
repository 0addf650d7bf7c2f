import type { Queue } from '@mq/core'
import { brokers, child, type RedisServer, redis as startRedis, until } from '@mq/test-brokers'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { client, gate, newTopic, open } from './support/open.js'

interface Report {
  readonly type: 'ready' | 'started' | 'handled'
}

const worker = new URL('./children/worker.ts', import.meta.url)
/** Claims hold for so long that only the end of a process can explain a takeover. */
const visibilityMs = 60_000
/** Longer than a claim holds whose process is gone, and a look. */
const longMs = 6_000

describe.skipIf(!brokers.owned('redis'))('the messages of a process', () => {
  let server: RedisServer
  let admin: Redis
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(async () => {
    await server?.stop()
  })

  const opened = (): Promise<Queue> => open(server.url, { redis: { visibilityMs } })

  /** Starts a process that handles a message and does not come to an end with it. */
  async function stuckOn(topic: string, queue: Queue) {
    const process = await child<Report>(worker, { args: [server.url, topic, '600000', String(visibilityMs)] })
    await process.waitFor((reports) => reports.some(({ type }) => type === 'ready'), { what: 'it', timeoutMs: 20_000 })
    await queue.publish(topic, 'held')
    await process.waitFor((reports) => reports.some(({ type }) => type === 'started'), { what: 'its run' })
    return process
  }

  async function idleMs(topic: string): Promise<number> {
    const pending = await admin.xpending(`mq:{${topic}}:stream`, 'g', '-', '+', 1)
    return Number((pending[0] as readonly unknown[] | undefined)?.[2] ?? 0)
  }

  /** Returns the runs of the message after its process was killed. Others are published until then, if `isBusy`. */
  async function runsAfterDeath({ isBusy }: { readonly isBusy: boolean }): Promise<readonly unknown[]> {
    const queue = await opened()
    const topic = newTopic()
    const dying = await stuckOn(topic, queue)
    const seen: [unknown, number][] = []
    await queue.subscribe(topic, ({ data, attempt }) => void seen.push([data, attempt]), { concurrency: 5 })
    const isOver = (): boolean => seen.some(([data]) => data === 'held')
    await dying.kill()
    const busy = async (): Promise<void> => {
      while (isBusy && !isOver()) await queue.publish(topic, 'other')
    }
    await Promise.all([busy(), until(isOver, { what: 'the takeover', timeoutMs: 20_000 })])
    return seen.filter(([data]) => data === 'held')
  }

  it('that was killed go to others at rest long before its claims are over', async () => {
    expect(await runsAfterDeath({ isBusy: false })).toEqual([['held', 2]])
  })

  it('that was killed go to busy others long before its claims are over', async () => {
    expect(await runsAfterDeath({ isBusy: true })).toEqual([['held', 2]])
  })

  it('stay there while it stands still', async () => {
    admin = await client(server.url)
    const queue = await opened()
    const topic = newTopic()
    const standing = await stuckOn(topic, queue)
    const seen: unknown[] = []
    await queue.subscribe(topic, ({ data }) => void seen.push(data))
    await standing.pause()
    await until(async () => (await idleMs(topic)) > longMs, { what: 'no renewal for long', timeoutMs: 20_000 })
    expect(seen).toEqual([])
    standing.resume()
    await until(async () => (await idleMs(topic)) < longMs, { what: 'the renewal' })
    expect(seen).toEqual([])
  })

  it('stay there while the server stands still', async () => {
    const queue = await opened()
    const other = await opened()
    const topic = newTopic()
    const { opened: ended, open: end } = gate()
    const runs: boolean[] = []
    const handler = async (_: unknown, { signal }: { signal: AbortSignal }): Promise<void> => {
      runs.push(signal.aborted)
      await ended
      runs.push(signal.aborted)
    }
    await queue.subscribe(topic, handler)
    await other.subscribe(topic, handler)
    await queue.publish(topic, 1)
    await until(() => runs.length === 1, { what: 'the run' })
    await server.pause()
    await new Promise((resolve) => setTimeout(resolve, 4_000))
    await server.resume()
    for (const one of [queue, other]) await one.publish(newTopic(), 'after')
    end()
    await until(async () => (await queue.stats(topic)).inFlight === 0, { what: 'its end' })
    expect(runs).toEqual([false, false])
  })

  it('stay there for visibilityMs if the server may not show who is there', async () => {
    admin = await client(server.url)
    await admin.acl('SETUSER', 'unseen', 'on', '>pw', '~mq:*', '&__redis__:invalidate', '+@all')
    const { host, port } = server
    const url = `redis://unseen:pw@${host}:${port}`
    const topic = newTopic()
    const queue = await open(url, { redis: { visibilityMs: 8_000 } })
    const errors: unknown[] = []
    queue.on('error', ({ error }) => errors.push(error))
    const { opened: ended, open: end } = gate()
    let runs = 0
    const handler = async (): Promise<void> => {
      runs += 1
      await ended
    }
    await queue.subscribe(topic, handler)
    await queue.publish(topic, 1)
    await until(() => runs === 1, { what: 'the run' })
    const [pending] = await admin.xpending(`mq:{${topic}}:stream`, 'g', '-', '+', 1)
    expect((pending as readonly string[])[1]).toMatch(/^mq@[^~]*$/)
    end()
    await until(async () => (await queue.stats(topic)).inFlight === 0, { what: 'its end' })
    expect({ runs, errors }).toEqual({ runs: 1, errors: [] })
  })
})
