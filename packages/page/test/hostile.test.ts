import { describe, expect, it } from 'vitest'
import { entriesOf, everything, open, openQueue, type Site, until } from './support/site.js'
import { wrapped } from './support/wrapped.js'

const script = '<script>alert(1)</script><img src=x onerror=alert(1)>'
const id = `"><b>${'x'.repeat(200)}`

/** What a browser would act upon, or show as something else. */
const expectHarmless = (text: string): void => {
  const body = text.slice(text.indexOf('<main'))
  expect(body).not.toMatch(/<script|<img src=x|<b>x/)
  expect(
    [...text.replace(/<input type="hidden" name="[^"]*" value="[^"]*"/g, '')].filter(
      (one) => one !== '\n' && /[\p{Cc}\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u.test(one),
    ),
  ).toEqual([])
}

async function openHostile(): Promise<Site> {
  const queue = await openQueue({ source: '/a"b<c>' })
  const subscription = await queue.subscribe(
    't',
    () => {
      throw Object.assign(new Error(`${script}\u0000\u001b[2J\u202egnp`), { name: `E${script}`, code: script })
    },
    { group: 'g' },
  )
  await queue.publish(
    't',
    { [script]: script, bidi: '\u202etxt.exe', zero: '\u0000\u200b' },
    { id, key: `k${script}`, headers: { 'my-header': script } },
  )
  await until(async () => (await queue.stats('t', 'g')).dead === 1)
  await subscription.stop()
  await queue.publish('t', script, { id: `2${script}` })
  return open({ allow: everything, title: script, authorize: () => ({ name: script }) }, queue)
}

describe('what comes from a message', () => {
  it('is text in lists, messages, forms, questions and searches', async () => {
    const site = await openHostile()
    const dead = await site.get('/group?topic=t&group=g&list=dead')
    const [entry = ''] = entriesOf(dead.text)
    const query = encodeURIComponent(`"'>${script}\u202e`)
    const pages = [
      dead,
      await site.get('/group?topic=t&group=g&list=ready'),
      await site.get(`/message?topic=t&group=g&list=dead&entry=${entry}`),
      await site.get(`/edit?topic=t&group=g&entry=${entry}`),
      await site.get(`/?find=${query}`),
      await site.get(`/group?topic=t&group=g&list=dead&text=${query}&field=${query}&id=${query}&older=${query}`),
      await site.get(`/group?topic=t&group=g&list=ready&text=${query}&after=${query}`),
      await site.get(`/group?topic=${query}&group=${query}`),
      await site.get(`/task?id=${query}&task=${query}`),
      await site.get(`/job?id=${query}`),
      await site.get(`/ask?what=${query}&topic=t&group=g&text=${query}`),
      await site.get(`/message?topic=t&group=g&list=${query}&entry=${query}`),
      await site.post('/purge', { topic: 't', group: 'g', entry: `"'>${script}` }),
    ]
    for (const { text } of pages) expectHarmless(text)
    expect(dead.text).toContain('\\u202e')
    expect(pages[2]?.text).toContain('\\u0000')
    expect(pages[2]?.text).toContain(`&quot;>&lt;b>${'x'.repeat(200)}`)
  })

  it('is text in live events', async () => {
    const site = await openHostile()
    const query = encodeURIComponent(script)
    const abort = new AbortController()
    const response = await fetch(`${site.url}/events?view=overview&find=${query}`, { signal: abort.signal })
    const { value } = (await response.body?.getReader().read()) ?? {}
    expect(Buffer.from(value ?? []).toString()).not.toContain('<script')
    abort.abort()
  })

  it.each([
    'topic with spaces',
    'a/b/../c',
    '../../etc',
    'тема/主题',
    `"><script>`,
    '%2e%2e%2f',
    'a\u202eb',
    'x'.repeat(300),
  ])('may be a topic of another program named %j, whose links lead to it', async (topic) => {
    const queue = await openQueue()
    const group = `g ${topic}`
    const site = await open(
      {},
      wrapped(queue, {
        topics: async () => ({ items: [{ topic }] }),
        groups: async () => ({ items: [{ topic, group, ephemeral: false, consumers: 1 }] }),
      }),
    )
    const { text, status } = await site.get('/')
    expect(status).toBe(200)
    expectHarmless(text)
    const [, link = ''] = /<a class="group" href="([^"]+)"/.exec(text) ?? []
    const url = new URL(link.replaceAll('&amp;', '&'), site.url)
    expect(Object.fromEntries(url.searchParams)).toEqual({ topic, group })
    const opened = await site.get(url.pathname + url.search)
    expect(opened.status).toBe(200)
    expectHarmless(opened.text)
    // The queue refuses such a name, so nothing is known of the group, and nothing is shown as 0.
    expect(opened.text).toContain('MQ_INVALID_NAME')
    expect(opened.text).toContain('unknown')
  })
})

describe('a request', () => {
  it.each([
    '//evil.example/',
    '/\\evil.example',
    '/%00',
    '/group?topic=%ff&group=%00',
    '/__proto__',
    '/constructor',
    '/assets/../package.json',
    '/events?view=group',
  ])('to %s is answered, and leads nowhere else', async (path) => {
    const site = await open()
    const { status, headers } = await site.get(path)
    expect(status).toBeLessThan(500)
    expect(headers.get('location')).toBeNull()
  })
})
