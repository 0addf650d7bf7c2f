import type { DeadLetter, RawMessage, WaitingMessage } from '@mq/core'
import { describe, expect, it } from 'vitest'
import { entriesOf, everything, open, openQueue, type Site } from './support/site.js'
import { wrapped } from './support/wrapped.js'

/** An answer that reads everything would fill the page. */
const maxPageBytes = 200_000
const bytesOf = (text: string): number => Buffer.byteLength(text)

describe('5,000 topics', () => {
  it('are shown in pages of 25, are counted, and are found by a part of their names', async () => {
    const queue = await openQueue()
    for (let at = 0; at < 5_000; at += 1) await queue.declareGroup(`topic.${String(at).padStart(4, '0')}`, 'g')
    let asked = 0
    const stats = async (topic: never, group: never) => {
      asked += 1
      return queue.stats(topic, group)
    }
    const site = await open({}, wrapped(queue, { stats }))
    const first = await site.get('/')
    expect(first.text).toContain('5,000 topics, page 1 of 200')
    expect(first.text.match(/class="topic"/g)).toHaveLength(25)
    expect(bytesOf(first.text)).toBeLessThan(maxPageBytes)
    expect(asked).toBe(25)
    expect((await site.get('/?page=200')).text).toContain('topic.4999')
    expect((await site.get('/?page=9999')).text).toContain('page 200 of 200')
    expect((await site.get('/?find=TOPIC.123')).text).toContain('10 topics found')
  })
})

const total = { dead: 100_000, ready: 1_000_000 }

interface Large extends Site {
  /** How many entries the page has asked for in one call. */
  readonly asked: { readonly dead: number[]; readonly ready: number[] }
}

/** A group with so many messages that nobody could list them all. */
async function openLarge(): Promise<Large> {
  const queue = await openQueue()
  await queue.declareGroup('t', 'g')
  const stats = await queue.stats('t', 'g')
  const asked: Large['asked'] = { dead: [], ready: [] }
  const large = wrapped(queue, {
    stats: async () => ({ ...stats, ...total }),
    deadLetters: () => ({
      ...queue.deadLetters('t', 'g'),
      async list({ limit = 100, where } = {}) {
        asked.dead.push(where === undefined ? limit : 10_000)
        return Array.from({ length: limit }, (_, at) => letter(at))
      },
    }),
    waiting: () => ({
      ...queue.waiting('t', 'g'),
      async list({ limit = 100, after = '0' } = {}) {
        asked.ready.push(limit)
        const from = Number(after)
        const items = Array.from({ length: limit }, (_, at) => waiting(from + at))
        return { items, next: String(from + limit) }
      },
    }),
  })
  return { ...(await open({ allow: everything }, large)), asked }
}

const message = (n: number): RawMessage => ({
  id: `id-${n}`,
  source: '/mq',
  type: 't',
  time: new Date().toISOString(),
  extensions: {},
  headers: {},
  body: new Uint8Array(9),
})
const common = (n: number) => ({ entryId: `e-${n}`, message: message(n), data: { n }, tombstone: false })
const letter = (n: number): DeadLetter => ({
  ...common(n),
  failure: { reason: 'error', error: { name: 'Error', message: 'no' }, attempts: 1, firstFailedAt: 1, failedAt: 1 },
})
const waiting = (n: number): WaitingMessage => ({ ...common(n), state: 'ready', attempt: 1 })

describe('100,000 dead letters and 1,000,000 waiting messages', () => {
  it('are counted, and shown in pages of 50 for which no more is read', async () => {
    const site = await openLarge()
    const dead = await site.get('/group?topic=t&group=g&list=dead')
    expect(dead.text).toContain('100,000')
    expect(entriesOf(dead.text)).toHaveLength(50)
    expect(bytesOf(dead.text)).toBeLessThan(maxPageBytes)
    expect(site.asked.dead).toEqual([51])
    const ready = await site.get('/group?topic=t&group=g&list=ready')
    expect(ready.text).toContain('1,000,000')
    expect(entriesOf(ready.text)).toHaveLength(50)
    expect(bytesOf(ready.text)).toBeLessThan(maxPageBytes)
    const [, next = ''] = /href="([^"]+)" rel="next"/.exec(ready.text) ?? []
    expect(entriesOf((await site.get(next.replaceAll('&amp;', '&'))).text)[0]).toBe('e-50')
    expect(site.asked.ready).toEqual([50, 50])
  })

  it('are searched up to a limit, which the page names', async () => {
    const site = await openLarge()
    const ready = await site.get('/group?topic=t&group=g&list=ready&text=nothing+has+this')
    expect(ready.text).toContain('None of the 1,000 messages that were looked at')
    expect(ready.text).toContain('Look further')
    expect(site.asked.ready.reduce((all, one) => all + one, 0)).toBe(1_000)
    const dead = await site.get('/group?topic=t&group=g&list=dead&field=n&value=99999')
    expect(dead.text).toContain('Only the oldest 10,000 dead letters were looked at')
    expect(dead.text).toContain('No dead letter matches')
  })

  it('are listed up to a page behind which conditions lead', async () => {
    const site = await openLarge()
    const last = await site.get('/group?topic=t&group=g&list=dead&page=1999')
    expect(last.text).toContain('Page 20')
    expect(entriesOf(last.text)[0]).toBe('e-950')
    expect(last.text).toContain('There are more. Conditions lead to them.')
    expect(site.asked.dead).toEqual([1_001])
  })
})

describe('a message of 900 KiB', () => {
  it('is cut in lists and in its own page', async () => {
    const queue = await openQueue()
    await queue.declareGroup('t', 'g')
    await queue.publish('t', { text: 'x'.repeat(900_000) })
    const site = await open({}, queue)
    const list = await site.get('/group?topic=t&group=g&list=ready')
    expect(bytesOf(list.text)).toBeLessThan(20_000)
    const [, link = ''] = /class="message" href="([^"]+)"/.exec(list.text) ?? []
    const whole = await site.get(link.replaceAll('&amp;', '&'))
    expect(whole.text).toContain('Only the beginning is shown.')
    expect(bytesOf(whole.text)).toBeLessThan(300_000)
  })
})
