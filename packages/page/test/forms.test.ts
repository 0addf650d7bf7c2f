import { request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { die, entriesOf, everything, open, openQueue, type Site } from './support/site.js'

async function paused({ queue }: Site): Promise<boolean> {
  return (await queue.stats('t', 'g')).paused !== undefined
}

async function openPausable(): Promise<Site> {
  const queue = await openQueue()
  await queue.declareGroup('t', 'g')
  return open({ allow: everything }, queue)
}

const place = { topic: 't', group: 'g' }

describe('a form', () => {
  it('is taken if this page has made it', async () => {
    const site = await openPausable()
    expect((await site.post('/pause', place)).status).toBe(303)
    expect(await paused(site)).toBe(true)
  })

  it('is refused without the cookie, without the token, and with the token of another browser', async () => {
    const site = await openPausable()
    const [own, other] = [await site.form(), await site.form()]
    const send = (headers: Record<string, string>, token: string) =>
      site.get('/pause', { method: 'POST', headers, body: new URLSearchParams({ ...place, token }) })
    expect((await send({}, own.token)).status).toBe(403)
    expect((await send({ cookie: own.cookie }, '')).status).toBe(403)
    expect((await send({ cookie: own.cookie }, 'ü')).status).toBe(403)
    expect((await send({ cookie: own.cookie }, other.token)).status).toBe(403)
    expect((await send({ cookie: 'mq-page=short' }, own.token)).status).toBe(403)
    expect(await paused(site)).toBe(false)
    expect((await send({ cookie: own.cookie }, own.token)).status).toBe(303)
  })

  it('is refused if the browser says that another site has sent it', async () => {
    const site = await openPausable()
    const { cookie, token } = await site.form()
    const body = (): URLSearchParams => new URLSearchParams({ ...place, token })
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ]) {
      const sent = await sendRaw(site, { cookie, ...headers }, body())
      expect({ headers, status: sent }).toEqual({ headers, status: 403 })
    }
    expect(await paused(site)).toBe(false)
    const { host } = new URL(site.url)
    expect(await sendRaw(site, { cookie, origin: `http://${host}` }, body())).toBe(303)
    expect(await sendRaw(site, { cookie, origin: 'https://a.example', 'x-forwarded-host': 'a.example' }, body())).toBe(
      303,
    )
  })

  it('is refused in any other encoding', async () => {
    const site = await openPausable()
    const { cookie, token } = await site.form()
    const headers = { cookie, 'content-type': 'application/json' }
    const { status } = await site.get('/pause', { method: 'POST', headers, body: JSON.stringify({ ...place, token }) })
    expect(status).toBe(415)
  })

  it('is refused if it is too large, by what arrives and not by what is announced', async () => {
    const site = await openPausable()
    const { cookie } = await site.form()
    const headers = { cookie, 'content-type': 'application/x-www-form-urlencoded' }
    const chunks = new ReadableStream({
      start(controller) {
        for (let at = 0; at < 100; at += 1) controller.enqueue(new Uint8Array(64 * 1024).fill(97))
        controller.close()
      },
    })
    const sent = site.get('/pause', { method: 'POST', headers, body: chunks, duplex: 'half' } as RequestInit)
    // The connection is closed before everything was sent, so a client may see that instead of the answer.
    const status = await sent.then(
      (answer) => answer.status,
      () => 413,
    )
    expect(status).toBe(413)
    expect(await paused(site)).toBe(false)
  })

  it('names at least one message, and at most 1,000', async () => {
    const queue = await openQueue()
    await die(queue, [1])
    const site = await open({ allow: everything }, queue)
    expect((await site.post('/replay', place)).status).toBe(400)
    const many = Array.from({ length: 1_001 }, (_, at) => `1-${at}`)
    expect((await site.post('/replay', { ...place, entry: many })).status).toBe(413)
    expect((await queue.stats('t', 'g')).dead).toBe(1)
  })

  it('says which group it is about', async () => {
    const site = await openPausable()
    expect((await site.post('/pause', { topic: 't' })).status).toBe(400)
  })
})

describe('a page that reads only', () => {
  it('offers nothing, and refuses every operation before it reads the form', async () => {
    const queue = await openQueue()
    await die(queue, [1])
    const site = await open({}, queue)
    const { text } = await site.get('/group?topic=t&group=g&list=dead')
    expect(text).toContain('Reading only')
    expect(text).not.toMatch(/method="post"[^>]*>\s*<button|Replay|Purge|Pause|type="checkbox"/)
    const [entry = '1-1'] = entriesOf(text)
    for (const path of ['/replay', '/purge', '/edit', '/pause', '/resume', '/remove', '/run-now', '/cancel', '/stop']) {
      expect({ path, status: (await site.post(path, { ...place, entry })).status }).toEqual({ path, status: 403 })
    }
    expect((await site.get('/ask?what=purge&topic=t&group=g')).status).toBe(403)
    expect((await queue.stats('t', 'g')).dead).toBe(1)
  })

  it('changes nothing by a link', async () => {
    const queue = await openQueue()
    await die(queue, [1])
    const site = await open({ allow: everything }, queue)
    for (const path of ['/replay', '/purge', '/pause', '/resume', '/remove', '/run-now', '/cancel', '/stop']) {
      expect((await site.get(`${path}?topic=t&group=g&entry=1&all=yes&sure=yes`)).status).toBe(404)
    }
    expect(await queue.stats('t', 'g')).toMatchObject({ dead: 1, paused: undefined })
  })
})

/** `fetch` sends some of these headers by itself. */
function sendRaw({ url }: Site, headers: Readonly<Record<string, string>>, body: URLSearchParams): Promise<number> {
  const type = { 'content-type': 'application/x-www-form-urlencoded' }
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/pause`, { method: 'POST', headers: { ...type, ...headers } }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    sent.on('error', reject).end(body.toString())
  })
}
