import { createServer } from 'node:http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createLive } from '../src/live/live.js'
import { die, listen, open, openQueue, type Site, until } from './support/site.js'
import { wrapped } from './support/wrapped.js'

interface Reader {
  readonly events: { readonly event: string; readonly data: string }[]
  readonly status: number
  readonly close: () => void
}

async function listenTo({ url }: Pick<Site, 'url'>, path: string): Promise<Reader> {
  const abort = new AbortController()
  onTestFinished(() => abort.abort())
  const response = await fetch(`${url}${path}`, { signal: abort.signal })
  const events: Reader['events'] = []
  const read = async (): Promise<void> => {
    let rest = ''
    if (response.body === null) return
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      const blocks = (rest + Buffer.from(chunk).toString()).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const [, event] = /^event: (.*)$/m.exec(block) ?? []
        const [, data] = /^data: (.*)$/m.exec(block) ?? []
        if (event !== undefined && data !== undefined) events.push({ event, data })
      }
    }
  }
  read().catch(() => {})
  return { events, status: response.status, close: () => abort.abort() }
}

describe('live events', () => {
  it('bring what has changed, and nothing else', async () => {
    const queue = await openQueue()
    await queue.declareGroup('t', 'g')
    const site = await open({}, queue)
    const reader = await listenTo(site, '/events?view=group&topic=t&group=g')
    await until(() => reader.events.some(({ event }) => event === 'cells'))
    const first = JSON.parse(reader.events.find(({ event }) => event === 'cells')?.data ?? '{}')
    expect(Object.keys(first)).toContain('count-ready')
    await queue.publish('t', { secret: 'data of a message' })
    await until(() => reader.events.filter(({ event }) => event === 'cells').length > 1)
    const next = JSON.parse(reader.events.filter(({ event }) => event === 'cells').at(-1)?.data ?? '{}')
    expect(next['count-ready']).toBe('1')
    expect(Object.keys(next)).not.toContain('count-dead')
    expect(JSON.stringify(reader.events)).not.toContain('data of a message')
  })

  it('ask the broker once for all viewers, at most every two seconds, and never without viewers', async () => {
    const queue = await openQueue()
    await queue.declareGroup('t', 'g')
    const askedAt: number[] = []
    const counting = wrapped(queue, {
      stats: (async (topic: string, group: string) => {
        askedAt.push(performance.now())
        return queue.stats(topic, group)
      }) as never,
    })
    const site = await open({}, counting)
    const path = '/events?view=group&topic=t&group=g'
    const readers = await Promise.all(Array.from({ length: 20 }, () => listenTo(site, path)))
    await until(() => readers.every(({ events }) => events.filter(({ event }) => event === 'point').length >= 3))
    const between = askedAt.slice(1).map((at, index) => at - (askedAt[index] ?? 0))
    expect(between.every((ms) => ms > 1_850)).toBe(true)
    for (const { close } of readers) close()
    await until(async () => {
      const before = askedAt.length
      await new Promise((resolve) => setTimeout(resolve, 4_500))
      return askedAt.length === before
    })
  })

  it('bring the progress of a replay to its end', async () => {
    const queue = await openQueue()
    await die(
      queue,
      Array.from({ length: 30 }, (_, at) => at),
    )
    const site = await open({ allow: { replay: true } }, queue)
    const { headers } = await site.post('/replay', { topic: 't', group: 'g', all: 'yes', rate: '10', total: '30' })
    const [, id = ''] = /id=(.*)$/.exec(headers.get('location') ?? '') ?? []
    const reader = await listenTo(site, `/events?view=job&id=${id}`)
    await until(() => reader.events.some(({ data }) => data.includes('done') && data.includes('30 replayed')))
  })

  it('are refused for more viewers than a page has places', async () => {
    const site = await open()
    const readers = await Promise.all(Array.from({ length: 101 }, () => listenTo(site, '/events?view=overview')))
    expect(readers.filter(({ status }) => status === 503)).toHaveLength(1)
    readers.find(({ status }) => status === 200)?.close()
    await until(async () => {
      const reader = await listenTo(site, '/events?view=overview')
      reader.close()
      return reader.status === 200
    })
  })

  it('are refused for more different parts of the page than are watched', async () => {
    const site = await open()
    const paths = Array.from({ length: 21 }, (_, at) => `/events?view=overview&find=${at}`)
    const readers = await Promise.all(paths.map((path) => listenTo(site, path)))
    expect(readers.filter(({ status }) => status === 503)).toHaveLength(1)
  })
})

describe('a live connection', () => {
  it('ends after its time, so that a login that has ended counts', async () => {
    const live = createLive({ everyMs: 10, maxViewers: 2, maxSubjects: 2, maxLifeMs: 50 })

    const server = createServer((_req, res) => void live.join('a', async () => ({ cells: {} }), res))
    const url = await listen(server)
    const response = await fetch(url)
    expect(await response.text()).toContain('retry:')
    await until(() => live.viewers() === 0)
  })
})
