import { describe, expect, it } from 'vitest'
import { createPage } from '../src/index.js'
import { die, everything, open, openQueue } from './support/site.js'

describe('authorize', () => {
  it('refuses every part of the page, live events and operations too, and names nothing', async () => {
    const queue = await openQueue()
    await queue.declareGroup('salaries', 'payroll')
    const site = await open({ authorize: () => false, allow: everything }, queue)
    for (const path of [
      '/',
      '/group?topic=salaries&group=payroll',
      '/events?view=overview',
      '/task?id=1',
      '/nothing',
    ]) {
      const { status, text } = await site.get(path)
      expect({ path, status }).toEqual({ path, status: 403 })
      expect(text).not.toMatch(/salaries|payroll|memory/)
    }
    const { status } = await site.post('/pause', { topic: 'salaries', group: 'payroll' })
    expect(status).toBe(403)
    expect((await queue.stats('salaries', 'payroll')).paused).toBeUndefined()
  })

  it('takes neither undefined nor a text for a yes', async () => {
    for (const answer of [undefined, 'yes', 1, null]) {
      const site = await open({ authorize: () => answer as never })
      expect((await site.get('/')).status).toBe(403)
    }
  })

  it('may answer by itself, with a way to a login', async () => {
    const site = await open({
      authorize: (_req, res) => {
        res.writeHead(302, { location: '/login' }).end()
        return false
      },
    })
    const { status, headers } = await site.get('/')
    expect({ status, to: headers.get('location') }).toEqual({ status: 302, to: '/login' })
  })

  it('shows nothing if it throws, and not why', async () => {
    const site = await open({
      authorize: () => {
        throw new Error('redis://admin:hunter2@host is down')
      },
    })
    const { status, text } = await site.get('/')
    expect(status).toBe(500)
    expect(text).not.toMatch(/hunter2|redis/)
  })

  it('is not waited for without end', async () => {
    const site = await open({ authorize: () => new Promise(() => {}), timeoutMs: 50 })
    expect((await site.get('/')).status).toBe(503)
  })

  it('names the person, who is noted with a pause', async () => {
    const queue = await openQueue()
    await queue.declareGroup('t', 'g')
    const site = await open({ authorize: async () => ({ name: 'Ada <ops>' }), allow: everything }, queue)
    expect((await site.get('/')).text).toContain('Ada &lt;ops>')
    await site.post('/pause', { topic: 't', group: 'g' })
    expect((await queue.stats('t', 'g')).paused?.by).toBe('Ada <ops>')
    expect((await site.get('/group?topic=t&group=g')).text).toContain('by Ada &lt;ops>')
  })

  it('narrows what a person may do, and never widens it', async () => {
    const queue = await openQueue()
    await die(queue, [1])
    const site = await open(
      { allow: { replay: true }, authorize: () => ({ allow: { purge: true, pause: true } }) },
      queue,
    )
    const { text } = await site.get('/group?topic=t&group=g&list=dead')
    expect(text).not.toMatch(/Replay|Purge|Pause/)
    expect(text).toContain('Reading only')
    for (const path of ['/replay', '/purge', '/pause']) {
      expect((await site.post(path, { topic: 't', group: 'g', entry: '1' })).status).toBe(403)
    }
  })
})

describe('createPage', () => {
  it.each([
    [{ allow: { reply: true } }, 'MQ_INVALID_OPTION'],
    [{ allow: { replay: 'yes' } }, undefined],
    [{ base: '/queues/' }, 'MQ_INVALID_OPTION'],
    [{ base: '//evil.example' }, 'MQ_INVALID_OPTION'],
    [{ timeoutMs: 0 }, 'MQ_INVALID_OPTION'],
    [{ authorise: () => true }, 'MQ_INVALID_OPTION'],
    [{ redact: 'email' }, undefined],
  ])('refuses the option %j', async (options, code) => {
    const queue = await openQueue()
    const refused = expect.objectContaining(code === undefined ? { name: 'TypeError' } : { code })
    expect(() => createPage(queue, options as never)).toThrow(refused)
  })
})
