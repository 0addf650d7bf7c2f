import { describe, expect, it } from 'vitest'
import { die, entriesOf, everything, open, openQueue, type Site, until } from './support/site.js'

const place = { topic: 't', group: 'g' }
const listPath = (list: string): string => `/group?topic=t&group=g&list=${list}`

async function openWith(queue: Site['queue']): Promise<Site> {
  return open({ allow: everything }, queue)
}

describe('dead letters', () => {
  it('are replayed when they are chosen, and the others stay', async () => {
    const queue = await openQueue()
    await die(queue, ['a', 'b', 'c'])
    const site = await openWith(queue)
    const [first = ''] = entriesOf((await site.get(listPath('dead'))).text)
    const { status, headers } = await site.post('/replay', { ...place, entry: first })
    expect({ status, to: headers.get('location') }).toEqual({
      status: 303,
      to: '/group?topic=t&group=g&list=dead&done=replayed&count=1',
    })
    expect(await queue.stats('t', 'g')).toMatchObject({ dead: 2, ready: 1 })
    expect((await site.get(headers.get('location') ?? '')).text).toContain('1 dead letter was replayed.')
  })

  it('are purged only once that was asked', async () => {
    const queue = await openQueue()
    await die(queue, ['a', 'b', 'c'])
    const site = await openWith(queue)
    const [first = '', second = ''] = entriesOf((await site.get(listPath('dead'))).text)
    const asked = await site.post('/purge', { ...place, entry: [first, second] })
    expect(asked.status).toBe(200)
    expect(asked.text).toContain('Purge 2 dead letters?')
    expect((await queue.stats('t', 'g')).dead).toBe(3)
    await site.post('/purge', { ...place, entry: [first, second], sure: 'yes' })
    expect((await queue.stats('t', 'g')).dead).toBe(1)
  })

  it('are found by reason, error, age, id, key, a field and a text, and only they are replayed or purged', async () => {
    const queue = await openQueue()
    await die(queue, [{ user: { country: 'DE' } }, { user: { country: 'GB' } }])
    await die(queue, [{ user: { country: 'DE', n: 7 } }], {
      error: Object.assign(new TypeError('socket hang up'), { code: 'ECONNRESET' }),
    })
    const site = await openWith(queue)
    const count = async (query: string): Promise<number> =>
      entriesOf((await site.get(`${listPath('dead')}&${query}`)).text).length
    expect(await count('')).toBe(3)
    expect(await count('reason=error')).toBe(3)
    expect(await count('reason=timeout')).toBe(0)
    expect(await count('error=ECONNRESET')).toBe(1)
    expect(await count('error=TypeError')).toBe(1)
    expect(await count('error=HANG+up')).toBe(1)
    expect(await count('field=user.country&value=DE')).toBe(2)
    expect(await count('field=user.n&value=7')).toBe(1)
    expect(await count('field=constructor.name&value=Object')).toBe(0)
    expect(await count('text=gb')).toBe(1)
    expect(await count('newer=1h')).toBe(3)
    expect(await count('older=1h')).toBe(0)
    expect((await site.get(`${listPath('dead')}&older=soon`)).text).toContain('Write a duration such as 10m.')

    const ask = await site.get('/ask?what=replay&topic=t&group=g&field=user.country&value=DE')
    expect(ask.text).toContain('Replay 2 dead letters that match?')
    await site.post('/replay', { ...place, all: 'yes', field: 'user.country', value: 'DE' })
    await until(async () => (await queue.stats('t', 'g')).dead === 1)
    await site.post('/purge', { ...place, all: 'yes', sure: 'yes', reason: 'error' })
    await until(async () => (await queue.stats('t', 'g')).dead === 0)
    expect((await queue.stats('t', 'g')).ready).toBe(2)
  })

  it('are not all purged by a form that does not say all', async () => {
    const queue = await openQueue()
    await die(queue, [1, 2])
    const site = await openWith(queue)
    expect((await site.post('/purge', { ...place, sure: 'yes' })).status).toBe(400)
    expect((await site.post('/purge', { ...place, all: 'yes' })).status).toBe(400)
    expect((await queue.stats('t', 'g')).dead).toBe(2)
  })

  it('are edited as a copy that names its cause', async () => {
    const queue = await openQueue()
    await die(queue, [{ to: 'ada@exmaple.com' }])
    const site = await openWith(queue)
    const [entry = ''] = entriesOf((await site.get(listPath('dead'))).text)
    const shown = await site.get(`/edit?topic=t&group=g&entry=${entry}`)
    expect(shown.text).toContain('ada@exmaple.com')
    const wrong = await site.post('/edit', { ...place, entry, data: '{ to: }' })
    expect(wrong.status).toBe(422)
    expect(wrong.text).toContain('This is not JSON')
    expect((await queue.stats('t', 'g')).dead).toBe(1)
    await site.post('/edit', { ...place, entry, data: '{ "to": "ada@example.com" }' })
    expect(await queue.stats('t', 'g')).toMatchObject({ dead: 0, ready: 1 })
    const { items } = await queue.waiting('t', 'g').list()
    expect(items[0]).toMatchObject({ data: { to: 'ada@example.com' }, attempt: 1 })
    expect(items[0]?.message.extensions.causationid).toBeDefined()
  })

  it('that have gone meanwhile are said to be gone', async () => {
    const queue = await openQueue()
    await die(queue, [1])
    const site = await openWith(queue)
    const [entry = ''] = entriesOf((await site.get(listPath('dead'))).text)
    await queue.deadLetters('t', 'g').purge()
    expect((await site.get(`/message?topic=t&group=g&list=dead&entry=${entry}`)).status).toBe(404)
    expect((await site.get(`/edit?topic=t&group=g&entry=${entry}`)).status).toBe(404)
    const { headers } = await site.post('/replay', { ...place, entry })
    expect(headers.get('location')).toContain('done=replayed&count=0')
  })
})

describe('a long replay', () => {
  it('goes on at its rate, shows how far it is, and is broken off with nothing lost', async () => {
    const queue = await openQueue()
    await die(
      queue,
      Array.from({ length: 60 }, (_, at) => at),
    )
    const site = await openWith(queue)
    const { status, headers } = await site.post('/replay', { ...place, all: 'yes', rate: '20', total: '60' })
    const job = headers.get('location') ?? ''
    expect({ status, job }).toEqual({ status: 303, job: expect.stringMatching(/^\/job\?id=/) })
    expect((await site.get(job)).text).toMatch(/running.*of.*60/s)
    expect((await site.get(listPath('dead'))).text).toContain('Replay is running')
    await until(async () => ((await queue.stats('t', 'g')).ready ?? 0) >= 10)
    await site.post('/stop', { id: new URLSearchParams(job.split('?')[1]).get('id') ?? '' })
    const { text } = await site.get(job)
    expect(text).toContain('stopped')
    expect(text).toContain('still a dead letter')
    const { ready = 0, dead = 0 } = await queue.stats('t', 'g')
    expect({ all: ready + dead, isPart: ready < 60 }).toEqual({ all: 60, isPart: true })

    await site.post('/replay', { ...place, all: 'yes' })
    await until(async () => (await queue.stats('t', 'g')).dead === 0)
    expect((await queue.stats('t', 'g')).ready).toBe(60)
  })

  it('is begun by nobody if four are running', async () => {
    const queue = await openQueue()
    await die(
      queue,
      Array.from({ length: 40 }, (_, at) => at),
    )
    const site = await openWith(queue)
    for (let at = 0; at < 4; at += 1) {
      expect((await site.post('/replay', { ...place, all: 'yes', rate: '1' })).status).toBe(303)
    }
    const refused = await site.post('/replay', { ...place, all: 'yes', rate: '1' })
    expect(refused.status).toBe(409)
    expect(refused.text).toContain('running already')
  })

  it.each(['0', '-1', '1.5', 'many', '99999999'])('refuses the rate %s', async (rate) => {
    const queue = await openQueue()
    await die(queue, [1])
    const site = await openWith(queue)
    expect((await site.post('/replay', { ...place, all: 'yes', rate })).status).toBe(400)
    expect((await queue.stats('t', 'g')).dead).toBe(1)
  })
})

describe('waiting messages', () => {
  it('are listed by their state, searched, removed once that was asked, and run at once', async () => {
    const queue = await openQueue()
    await queue.declareGroup('t', 'g')
    await queue.publish('t', { n: 'first' })
    await queue.publish('t', { n: 'second' })
    await queue.publish('t', { n: 'later' }, { delayMs: 3_600_000 })
    const site = await openWith(queue)
    const ready = (await site.get(listPath('ready'))).text
    expect(entriesOf(ready)).toHaveLength(2)
    expect((await site.get(listPath('delayed'))).text).toContain('in 59 min')
    expect(entriesOf((await site.get(`${listPath('ready')}&text=SECOND`)).text)).toHaveLength(1)
    expect((await site.get(`${listPath('ready')}&text=third`)).text).toContain(
      'None of the 2 messages that were looked at',
    )

    const [entry = ''] = entriesOf(ready)
    expect((await site.post('/remove', { ...place, list: 'ready', entry })).text).toContain(
      'Remove 1 message for good?',
    )
    expect((await queue.stats('t', 'g')).ready).toBe(2)
    await site.post('/remove', { ...place, list: 'ready', entry, sure: 'yes' })
    expect((await queue.stats('t', 'g')).ready).toBe(1)

    const [later = ''] = entriesOf((await site.get(listPath('delayed'))).text)
    await site.post('/run-now', { ...place, list: 'delayed', entry: later })
    expect(await queue.stats('t', 'g')).toMatchObject({ ready: 2, delayed: 0 })
  })

  it('show when they run again and why they failed', async () => {
    const queue = await openQueue({ retry: { attempts: 5, delayMs: 3_600_000, maxDelayMs: 3_600_000, jitter: 'none' } })
    await queue.subscribe(
      't',
      () => {
        throw new Error('451 busy')
      },
      { group: 'g' },
    )
    await queue.publish('t', 1)
    await until(async () => (await queue.stats('t', 'g')).retrying === 1)
    const site = await openWith(queue)
    const { text } = await site.get(listPath('retrying'))
    expect(text).toContain('451 busy')
    expect(text).toMatch(/in 59 min/)
  })
})

describe('a group', () => {
  it('is paused and resumed, and says so', async () => {
    const queue = await openQueue()
    await queue.declareGroup('t', 'g')
    const site = await openWith(queue)
    await site.post('/pause', place)
    expect((await queue.stats('t', 'g')).paused).toBeDefined()
    expect((await site.get(listPath('ready'))).text).toMatch(/paused.*Resume/s)
    await site.post('/resume', place)
    expect((await queue.stats('t', 'g')).paused).toBeUndefined()
  })

  it('that does not exist cannot be paused, with the reason', async () => {
    const site = await openWith(await openQueue())
    const { status, text } = await site.post('/pause', place)
    expect(status).toBe(409)
    expect(text).toContain('MQ_GROUP_MISSING')
  })
})
