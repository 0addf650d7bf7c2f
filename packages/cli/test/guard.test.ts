import { describe, expect, it, vi } from 'vitest'
import { createGuard } from '../src/commands/page/guard.js'

const ask = (url: string, cookie?: string) => {
  const res = { setHeader: vi.fn(), writeHead: vi.fn(() => ({ end: vi.fn() })) }
  const isLet = createGuard('secret').authorize({ url, headers: { cookie } } as never, res as never)
  return { isLet, res }
}

describe('the guard of mq page', () => {
  it('lets in who has the cookie', () => {
    expect(ask('/', 'a=b; mq-page-token=secret').isLet).toBe(true)
    for (const cookie of [undefined, '', 'mq-page-token=', 'mq-page-token=other', 'xmq-page-token=secret']) {
      expect(ask('/', cookie).isLet).toBe(false)
    }
  })

  it.each(['/group?token=secret&topic=t', '//evil.example/?token=secret', '/?token=secret'])(
    'answers the link %s by the cookie, and stays on this host',
    (url) => {
      const { isLet, res } = ask(url)
      expect(isLet).toBe(false)
      expect(res.setHeader).toHaveBeenCalledWith('set-cookie', expect.stringContaining('HttpOnly; SameSite=Strict'))
      const [, headers] = res.writeHead.mock.calls[0] as unknown as [number, { location: string }]
      expect(headers.location).toMatch(/^\/(?!\/)/)
      expect(headers.location).not.toContain('secret')
    },
  )
})
