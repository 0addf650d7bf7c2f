import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { brokers, type Child, child, shared, until } from '../src/index.js'
import { namesIn, root } from '../src/run/folder.js'
import { identify } from '../src/run/process.js'
import { connectRedis } from './drivers/redis.js'

interface Report {
  readonly ready?: boolean
  readonly handled?: number
  readonly done?: boolean
  readonly argument?: string
  readonly variable?: string
  readonly id?: string
}

const children: Child<Report>[] = []
const start = async (module: string, args: string[] = []): Promise<Child<Report>> => {
  const started = await child<Report>(new URL(`./children/${module}.ts`, import.meta.url), {
    args,
    env: { CHILD_TEST: 'given' },
  })
  children.push(started)
  return started
}
const ready = { what: 'the child to be ready', timeoutMs: 15_000 }

afterEach(async () => {
  await Promise.all(children.splice(0).map((started) => started.kill()))
})

describe('a child', () => {
  it('runs a TypeScript module with arguments and variables, and reports in order', async () => {
    const worker = await start('worker', ['argument'])
    await worker.waitFor((reports) => reports.some((report) => report.ready), ready)
    worker.send({ count: 100 })
    const reports = await worker.waitFor((all) => all.at(-1)?.done === true, { what: 'the child to be done' })
    expect(reports.flatMap(({ handled }) => handled ?? [])).toEqual(
      Array.from({ length: 100 }, (_, index) => index + 1),
    )
    expect(reports.at(-1)).toEqual({ done: true, argument: 'argument', variable: 'given' })
  })

  it('has ended when kill() resolves, and all its reports are known', async () => {
    const worker = await start('worker')
    await worker.waitFor((reports) => reports.some((report) => report.ready), ready)
    worker.send({ count: 1_000_000 })
    await worker.waitFor((reports) => reports.length > 500, { what: '500 reports' })
    expect(await worker.kill()).toEqual({ code: null, signal: 'SIGKILL' })
    expect(identify(worker.pid)).toBeUndefined()
    const handled = worker.reported().flatMap((report) => report.handled ?? [])
    expect(handled.length).toBeGreaterThan(400)
    expect(handled).toEqual(handled.map((_, index) => index + 1))
    expect(namesIn(root()).filter((name) => name.startsWith(`child.${process.pid}.`))).toEqual([])
  })

  it('reports its exit code, and rejects a wait with its output', async () => {
    const worker = await start('worker')
    await worker.waitFor((reports) => reports.some((report) => report.ready), ready)
    const wait = worker.waitFor((reports) => reports.length > 100, { what: 'more reports', timeoutMs: 15_000 })
    worker.send('fail')
    await expect(wait).rejects.toThrow(/The child ended before more reports.*told to fail/s)
    expect((await worker.exited).code).toBe(1)
    const other = await start('worker')
    await other.waitFor((reports) => reports.some((report) => report.ready), ready)
    other.send('end')
    expect(await other.exited).toEqual({ code: 3, signal: null })
  })

  it('says what it waited for after the timeout', async () => {
    const worker = await start('worker')
    await worker.waitFor((reports) => reports.some((report) => report.ready), ready)
    const wait = worker.waitFor(() => false, { what: 'the moon', timeoutMs: 100 })
    await expect(wait).rejects.toThrow('Waited 100 ms for the moon')
  })

  it('stalls while it is paused, and continues afterwards', async () => {
    const worker = await start('worker')
    await worker.waitFor((reports) => reports.some((report) => report.ready), ready)
    await worker.pause()
    worker.send({ count: 1 })
    const wait = worker.waitFor((reports) => reports.at(-1)?.done === true, { what: 'it', timeoutMs: 300 })
    await expect(wait).rejects.toThrow(/Waited/)
    worker.resume()
    await worker.waitFor((reports) => reports.at(-1)?.done === true, { what: 'the child to go on' })
  })

  it.skipIf(!brokers.wanted('redis'))('takes from a real broker, and is killed with the rest still there', async () => {
    const server = await shared('redis')
    const client = await connectRedis(server.url)
    const key = randomUUID()
    const ids = Array.from({ length: 40_000 }, (_, index) => String(index))
    for (let from = 0; from < ids.length; from += 20_000) await client.rpush(key, ...ids.slice(from, from + 20_000))
    const worker = await start('redis-worker', [server.url, key])
    await worker.waitFor((reports) => reports.length >= 50, { what: '50 entries', timeoutMs: 15_000 })
    await worker.kill()
    const taken = worker.reported().length
    const left = await client.llen(key)
    // One value may be between the broker and the report.
    expect([0, 1]).toContain(ids.length - left - taken)
    expect(left).toBeGreaterThan(0)
    await until(async () => (await client.del(key)) === 1, { what: 'the list to be removed' })
    client.disconnect()
  })
})
