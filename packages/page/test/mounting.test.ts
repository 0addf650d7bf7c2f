import { createServer } from 'node:http'
import express from 'express'
import fastify from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createPage, fastifyPage } from '../src/index.js'
import { everything, listen, open, openQueue, type Site, siteAt } from './support/site.js'

const place = { topic: 't', group: 'g' }

async function expectWhole(site: Site): Promise<void> {
  await site.queue.declareGroup('t', 'g')
  const { status, text } = await site.get('/')
  expect(status).toBe(200)
  const links = [...text.matchAll(/(?:href|src|action)="(\/[^"]*)"/g)].map(([, link = '']) =>
    link.replaceAll('&amp;', '&'),
  )
  const { origin, pathname } = new URL(site.url)
  const base = pathname.replace(/\/$/, '')
  expect(links.length).toBeGreaterThan(8)
  for (const link of links) {
    expect(link.startsWith(`${base}/`)).toBe(true)
    expect({ link, status: (await fetch(`${origin}${link}`)).status }).toEqual({ link, status: 200 })
  }
  const paused = await site.post('/pause', place)
  expect({ status: paused.status, to: paused.headers.get('location') }).toEqual({
    status: 303,
    to: `${base}/group?topic=t&group=g&done=paused`,
  })
  expect((await site.queue.stats('t', 'g')).paused).toBeDefined()
}

describe('the page', () => {
  it('is a whole server of node:http', async () => {
    await expectWhole(await open({ allow: everything }))
  })

  it('is a part of a server of node:http', async () => {
    const site = await open({ allow: everything, base: '/ops/queues' })
    await expectWhole(site)
    expect((await fetch(new URL('/ops/queuesandmore', site.url))).status).toBe(404)
    expect((await fetch(new URL('/', site.url))).status).toBe(404)
  })

  it('is mounted in express', async () => {
    const queue = await openQueue()
    const app = express().use('/queues', createPage(queue, { allow: everything }))
    const url = await listen(createServer(app))
    await expectWhole(siteAt(`${url}/queues`, queue))
  })

  it('takes forms that express has read already', async () => {
    const queue = await openQueue()
    const app = express()
      .use(express.urlencoded({ extended: true }))
      .use('/queues', createPage(queue, { allow: everything }))
    const url = await listen(createServer(app))
    await expectWhole(siteAt(`${url}/queues`, queue))
  })

  it('is registered in fastify, beside routes that keep their parsers', async () => {
    const queue = await openQueue()
    const app = fastify()
    onTestFinished(() => app.close())
    app.post('/json', async ({ body }) => body)
    await app.register(fastifyPage, { prefix: '/queues', queue, allow: everything })
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    await expectWhole(siteAt(`${url}/queues`, queue))
    const json = { method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' } }
    expect(await (await fetch(`${url}/json`, json)).json()).toEqual({ a: 1 })
  })

  it('does not keep fastify from closing while somebody looks', async () => {
    const queue = await openQueue()
    const app = fastify()
    await app.register(fastifyPage, { prefix: '/queues', queue })
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    const response = await fetch(`${url}/queues/events?view=overview`)
    const ended = response.text()
    await app.close()
    expect(await ended).toContain('retry:')
  })
})
