import { describe, expect, it } from 'vitest'
import { createHider } from '../src/hiding/hider.js'
import { restored } from '../src/hiding/restore.js'
import { die, entriesOf, everything, open, openQueue, type Site, until } from './support/site.js'

const secret = 'ada.lovelace@example.com'
const redact = (data: unknown): unknown =>
  typeof data === 'object' && data !== null && 'email' in data ? { ...data, email: '(hidden)' } : data
const place = { topic: 't', group: 'g' }

async function openDead(): Promise<Site> {
  const queue = await openQueue()
  const subscription = await queue.subscribe(
    't',
    () => {
      throw new Error(`550 no such user ${secret.toUpperCase()}`)
    },
    { group: 'g' },
  )
  await queue.publish(
    't',
    { email: secret, country: 'GB', note: 'kept' },
    { key: secret, headers: { for: `to ${secret}` } },
  )
  await until(async () => (await queue.stats('t', 'g')).dead === 1)
  await subscription.stop()
  await queue.publish('t', { email: secret, country: 'GB' }, { id: `order/${secret}` })
  return open({ redact, allow: everything }, queue)
}

describe('redact', () => {
  it('hides data in lists, in messages and in forms, and the same values in key, header, id and error', async () => {
    const site = await openDead()
    const dead = await site.get('/group?topic=t&group=g&list=dead')
    const [entry = ''] = entriesOf(dead.text)
    const pages = [
      dead,
      await site.get('/group?topic=t&group=g&list=ready'),
      await site.get(`/message?topic=t&group=g&list=dead&entry=${entry}`),
      await site.get(`/edit?topic=t&group=g&entry=${entry}`),
      await site.post('/purge', { ...place, entry }),
      await site.get('/'),
    ]
    for (const { status, text } of pages) {
      expect(status).toBe(200)
      expect(text.toLowerCase()).not.toContain('lovelace')
    }
    expect(pages[2]?.text).toContain('kept')
    expect(pages[2]?.text).toContain('550 no such user •••')
    expect(pages[2]?.text).toContain('parts are hidden')
  })

  it('lets nobody find out by a filter or a search what is hidden', async () => {
    const site = await openDead()
    const found = async (list: string, query: string): Promise<number> =>
      entriesOf((await site.get(`/group?topic=t&group=g&list=${list}&${query}`)).text).length
    expect(await found('dead', `field=email&value=${secret}`)).toBe(0)
    expect(await found('dead', 'text=lovelace')).toBe(0)
    expect(await found('dead', 'error=lovelace')).toBe(0)
    expect(await found('dead', `key=${secret}`)).toBe(0)
    expect(await found('ready', 'text=lovelace')).toBe(0)
    expect(await found('dead', 'field=country&value=GB')).toBe(1)
    const ask = await site.get(`/ask?what=replay&topic=t&group=g&field=email&value=${secret}`)
    expect(ask.text).toContain('Replay 0 dead letters')
    await site.post('/replay', { ...place, all: 'yes', field: 'email', value: secret })
    expect((await site.queue.stats('t', 'g')).dead).toBe(1)
  })

  it('keeps what is hidden in an edited copy, unless it was changed', async () => {
    const site = await openDead()
    const [entry = ''] = entriesOf((await site.get('/group?topic=t&group=g&list=dead')).text)
    const data = JSON.stringify({ email: '(hidden)', country: 'DE' })
    await site.post('/edit', { ...place, entry, data })
    const { items } = await site.queue.waiting('t', 'g').list()
    expect(items.map((item) => item.data)).toContainEqual({ email: secret, country: 'DE' })
  })

  it('shows nothing if it throws', async () => {
    const queue = await openQueue()
    await die(queue, [{ email: secret }], { error: new Error(`no ${secret}`) })
    const failing = (): never => {
      throw new Error(secret)
    }
    const site = await open({ redact: failing }, queue)
    const { text } = await site.get('/group?topic=t&group=g&list=dead')
    expect(text).toContain('hidden, because redact has failed')
    expect(text).not.toContain('lovelace')
  })

  it('shows no bytes that it cannot see into', async () => {
    const hide = createHider(redact)
    expect(hide(undefined, 't')).toMatchObject({ data: '(hidden, because it cannot be decoded)', isHidden: true })
  })

  it('cannot change the message, whatever it does to its argument', () => {
    const data = { email: secret, list: [1] }
    const hide = createHider((given) => {
      const own = given as { email?: string; list: number[] }
      delete own.email
      own.list.push(2)
      return own
    })
    expect(hide(data, 't').data).toEqual({ list: [1, 2] })
    expect(data).toEqual({ email: secret, list: [1] })
    expect(hide(data, 't').text(`for ${secret}`)).toBe('for •••')
  })
})

describe('restored', () => {
  it('puts back only what was left as it was shown', () => {
    const original = { a: 'secret', b: { c: 'secret', d: 1 }, list: ['secret', 2], gone: 'x' }
    const shown = { a: '•', b: { c: '•', d: 1 }, list: ['•', 2] }
    const given = { a: 'new', b: { c: '•', d: 2, e: '•' }, list: ['•', 3, 4] }
    expect(restored({ original, shown, given })).toEqual({
      a: 'new',
      b: { c: 'secret', d: 2, e: '•' },
      list: ['secret', 3, 4],
    })
    expect(restored({ original, shown, given: shown })).toBe(original)
    expect(restored({ original: 'secret', shown: '•', given: 'text' })).toBe('text')
  })
})
