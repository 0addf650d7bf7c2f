import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type Answer, open } from './support/site.js'

const assets = new URL('../assets/', import.meta.url)

const expectSafe = ({ headers }: Answer): void => {
  const policy = headers.get('content-security-policy') ?? ''
  expect(policy).toContain("default-src 'none'")
  expect(policy).toContain("script-src 'self'")
  expect(policy).toContain("frame-ancestors 'none'")
  expect(policy).not.toMatch(/unsafe|\*|https?:/)
  expect(headers.get('x-frame-options')).toBe('DENY')
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect(headers.get('referrer-policy')).toBe('same-origin')
  expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
}

describe('the headers of the page', () => {
  it('forbid scripts and frames of others on every part, on files and on refusals', async () => {
    const site = await open()
    const overview = await site.get('/')
    const [, style = ''] = /href="([^"]+base\.css)"/.exec(overview.text) ?? []
    const paths = ['/', '/tasks', '/schedules', '/group?topic=t&group=g', '/group', '/nothing', style, '/assets/x/y.js']
    for (const path of paths) expectSafe(await site.get(path))
    expectSafe(await site.get('/', { method: 'DELETE' }))
    expectSafe(await site.post('/purge', { topic: 't', group: 'g', entry: '1' }))
  })

  it('keep pages out of caches, and files in them under the name of their version', async () => {
    const site = await open()
    const overview = await site.get('/')
    expect(overview.headers.get('cache-control')).toBe('no-store')
    const files = [...overview.text.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(([, path = '']) => path)
    expect(files.length).toBeGreaterThan(5)
    for (const path of files) {
      const file = await site.get(path)
      expect({ path, status: file.status }).toEqual({ path, status: 200 })
      expect(file.headers.get('cache-control')).toContain('immutable')
      expect(file.headers.get('content-type')).toMatch(/^(text\/(css|javascript)|image\/svg)/)
    }
  })

  it('answer HEAD without a body, and 405 to what no page does', async () => {
    const site = await open()
    expect(await site.get('/', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' })
    expect((await site.get('/', { method: 'PUT' })).status).toBe(405)
  })

  it('give the cookie of forms to this site and to no script', async () => {
    const site = await open({ base: '/queues' })
    const cookie = (await site.get('/')).headers.get('set-cookie') ?? ''
    expect(cookie).toMatch(/^mq-page=[\w-]{32}; Path=\/queues; HttpOnly; SameSite=Lax$/)
    const behindTls = await site.get('/', { headers: { 'x-forwarded-proto': 'https' } })
    expect(behindTls.headers.get('set-cookie')).toMatch(/; Secure$/)
  })
})

describe('the files of the page', () => {
  it('ask no other host, run no text as code and put none into the page but that of the server', () => {
    for (const name of readdirSync(assets)) {
      const text = readFileSync(new URL(name, assets), 'utf8')
      expect(text.replaceAll('http://www.w3.org/2000/svg', ''), name).not.toMatch(
        /https?:|\/\/\w+\.|eval\(|new Function|document\.write/,
      )
      if (name !== 'live.js') expect(text, name).not.toContain('innerHTML')
    }
  })

  it('are asked for by no inline script, style or handler', async () => {
    const site = await open()
    for (const path of ['/', '/group?topic=t&group=g', '/tasks', '/schedules']) {
      const { text } = await site.get(path)
      expect(text).not.toMatch(/<style|<script(?![^>]*src=)|\son\w+=|\sstyle=|javascript:/i)
    }
  })
})
