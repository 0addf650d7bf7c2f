import { once } from 'node:events'
import { brokers, until } from '@mq/test-brokers'
import { describe, expect, it } from 'vitest'
import { mq, start } from './support/mq.js'
import { open } from './support/open.js'

describe.skipIf(!brokers.wanted('redis'))('mq page', () => {
  it('serves the page to those who have its link, and reads only', async () => {
    const { url, queue, topic } = await open('redis')
    await queue.declareGroup(topic, 'g')
    const command = start(['page', '--port', '0', '--json'], { url })
    await until(() => command.stdout().includes('\n'), { what: 'the link', timeoutMs: 20_000 })
    const link = new URL(JSON.parse(command.stdout()).url)
    expect(link.hostname).toBe('127.0.0.1')

    expect((await fetch(link.origin)).status).toBe(403)
    expect((await fetch(new URL('/?token=wrong', link))).status).toBe(403)
    const entered = await fetch(link, { redirect: 'manual' })
    expect({ status: entered.status, to: entered.headers.get('location') }).toEqual({ status: 303, to: '/' })
    const [cookie = ''] = (entered.headers.get('set-cookie') ?? '').split(';')
    const found = await fetch(new URL(`/?find=${topic}`, link), { headers: { cookie } })
    const text = await found.text()
    expect(text).toContain('redis · connected')
    expect(text).toContain(topic)
    expect(text).toContain('Reading only')

    command.process.kill('SIGINT')
    expect((await command.ended).code).toBe(0)
  })

  it('offers what --allow says', async () => {
    const { url, queue, topic } = await open('redis')
    await queue.declareGroup(topic, 'g')
    const command = start(['page', '--port', '0', '--allow', 'replay,purge'], { url })
    await until(() => command.stdout().includes('\n'), { what: 'the link', timeoutMs: 20_000 })
    const link = command.stdout().trim()
    const [cookie = ''] = ((await fetch(link, { redirect: 'manual' })).headers.get('set-cookie') ?? '').split(';')
    const group = await fetch(new URL(`/group?topic=${topic}&group=g`, link), { headers: { cookie } })
    expect(await group.text()).not.toContain('Reading only')
    command.process.kill('SIGINT')
    await once(command.process, 'exit')
  })
})

describe('mq page', () => {
  it.each([
    [['page', '--port', 'many'], '--port is a number'],
    [['page', '--port', '70000'], '--port is a number'],
    [['page', '--allow', 'reply'], "no 'reply'"],
  ])('%j is wrong use', async (args, text) => {
    const { code, stderr } = await mq(args, { url: 'redis://127.0.0.1:1' })
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(text) })
  })
})
