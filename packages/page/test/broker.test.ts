import { MqError } from '@mq/core'
import { describe, expect, it } from 'vitest'
import { everything, open, openQueue } from './support/site.js'
import { wrapped } from './support/wrapped.js'

const never = (): Promise<never> => new Promise(() => {})
const paths = [
  '/',
  '/group?topic=t&group=g',
  '/group?topic=t&group=g&list=dead',
  '/tasks',
  '/schedules',
  '/task?id=1&task=t',
]
const unknownStats = {
  ready: undefined,
  inFlight: undefined,
  delayed: undefined,
  retrying: undefined,
  dead: undefined,
  oldestReadyMs: undefined,
  oldestDeadMs: undefined,
  paused: undefined,
}

describe('a broker that is silent', () => {
  it('holds no part of the page up, and each says what it does not know', async () => {
    const queue = await openQueue()
    const silent = wrapped(queue, {
      topics: never,
      groups: never,
      stats: never,
      deadLetters: () => ({ list: never, page: never, replay: never, purge: never, edit: never }),
      waiting: () => ({ list: never, remove: never, runNow: never }),
    })
    const site = await open({ timeoutMs: 100, allow: everything }, silent)
    for (const path of paths) {
      const { status, text } = await site.get(path)
      expect({ path, status }).toEqual({ path, status: 200 })
      expect(text).toContain('MQ_TIMEOUT')
    }
    expect((await site.get('/message?topic=t&group=g&list=dead&entry=1')).status).toBe(503)
  })

  it('ends an operation with a reason', async () => {
    const queue = wrapped(await openQueue(), { pauseGroup: never })
    const site = await open({ timeoutMs: 100, allow: everything }, queue)
    const { status, text } = await site.post('/pause', { topic: 't', group: 'g' })
    expect(status).toBe(503)
    expect(text).toContain('did not answer within 100 ms')
  })
})

describe('a broker that cannot be reached', () => {
  it('is named, with the reason and without its password', async () => {
    const queue = await openQueue()
    const lastError = new MqError('MQ_CONNECTION_LOST', 'Lost amqp://user:hunter2@broker:5672')
    const fail = async (): Promise<never> => {
      throw new MqError('MQ_NOT_CONNECTED', 'Not connected to amqp://user:hunter2@broker:5672, password=hunter2')
    }
    const lost = wrapped(queue, {
      health: () => ({ status: 'down', state: 'reconnecting', consumers: [], lastError }),
      topics: fail,
      stats: fail,
      groups: fail,
      deadLetters: () => ({ list: fail, page: fail, replay: fail, purge: fail, edit: fail }),
    })
    const site = await open({}, lost)
    for (const path of paths.slice(0, 3)) {
      const { text } = await site.get(path)
      expect(text).toContain('does not reach memory (reconnecting)')
      expect(text).toContain('MQ_NOT_CONNECTED')
      expect(text).not.toContain('hunter2')
    }
  })
})

describe('a count that the broker does not know', () => {
  it('is unknown, and never 0', async () => {
    const queue = await openQueue()
    await queue.declareGroup('t', 'g')
    const site = await open({}, wrapped(queue, { stats: async () => unknownStats }))
    const overview = (await site.get('/')).text
    expect(overview.match(/class="unknown"/g)?.length).toBeGreaterThanOrEqual(9)
    const cells = [...overview.matchAll(/<td[^>]*class="number"[^>]*>(.*?)<\/td>/g)].map(([, text = '']) =>
      text.replace(/<[^>]+>/g, ''),
    )
    expect(cells).toEqual(['unknown', 'unknown', 'unknown', 'unknown', 'unknown', 'unknown', 'unknown', '0'])
    expect(overview).not.toContain('fine')
    const group = (await site.get('/group?topic=t&group=g&list=ready')).text
    const figures = [...group.matchAll(/<dd>(.*?)<\/dd>/g)].map(([, text = '']) => text.replace(/<[^>]+>/g, ''))
    expect(figures.slice(0, 8)).toEqual(Array.from({ length: 8 }, () => 'unknown'))
  })
})

describe('the state of a group', () => {
  const stats = { ready: 3, inFlight: 1, delayed: 0, retrying: 0, dead: 0, oldestReadyMs: 5, oldestDeadMs: 0 }
  const shown = async (given: object, consumers: number | undefined = 1): Promise<readonly string[]> => {
    const queue = await openQueue()
    const group = { topic: 't', group: 'g', ephemeral: false, consumers }
    const site = await open(
      {},
      wrapped(queue, {
        topics: async () => ({ items: [{ topic: 't' }] }),
        groups: async () => ({ items: [group] }),
        stats: async () => ({ ...unknownStats, ...stats, ...given }),
      }),
    )
    const overview = (await site.get('/')).text
    const [, look] = /need a look<\/dt><dd[^>]*>(.*?)<\/dd>/.exec(overview) ?? []
    const [, cell = ''] = /<td[^>]*class="state"[^>]*>(.*?)<\/td>/s.exec(overview) ?? []
    return [...cell.replace(/<[^>]+>/g, '|').split('|'), look ?? ''].filter((text) => text !== '')
  }

  it('is fine if its messages are young, and late if the oldest is old', async () => {
    expect(await shown({})).toEqual(['fine', '0'])
    expect(await shown({ oldestReadyMs: 61_000 })).toEqual(['late', '1'])
  })

  it('is not called fine if nobody knows how long its messages have waited', async () => {
    expect(await shown({ oldestReadyMs: undefined })).toEqual(['waits, age unknown', '0'])
    expect(await shown({ oldestReadyMs: undefined, ready: 0 })).toEqual(['fine', '0'])
  })

  it('is paused, and not without a consumer: a broker may have none for as long', async () => {
    expect(await shown({ paused: { since: 1, by: 'Ada' } }, 0)).toEqual(['paused', '1'])
    expect(await shown({}, 0)).toEqual(['no consumer', '1'])
  })
})

describe('an adapter that cannot do something', () => {
  it('says in its own words what would help', async () => {
    const queue = await openQueue()
    const capabilities = { ...queue.capabilities, listsTopics: false, listsGroups: false }
    const topics = async (): Promise<never> => {
      throw new MqError('MQ_NOT_SUPPORTED', 'It cannot list the topics: name the <management> API')
    }
    const site = await open({}, wrapped(queue, { capabilities, capabilitiesOf: () => capabilities, topics }))
    expect((await site.get('/')).text).toContain('It cannot list the topics: name the &lt;management> API')
  })

  it('is named, with the capability, in each place', async () => {
    const queue = await openQueue()
    await queue.declareGroup('t', 'g')
    await queue.publish('t', 1, { delayMs: 60_000 })
    const capabilities = {
      ...queue.capabilities,
      listsTopics: false,
      listsGroups: false,
      listsWaiting: false,
      listsInFlight: false,
      removesWaiting: false,
      runsNow: false,
      pausesGroups: false,
    }
    const given = { capabilities, capabilitiesOf: () => capabilities }
    const site = await open({ allow: everything }, wrapped(queue, given))
    const overview = (await site.get('/')).text
    expect(overview).toContain('cannot list topics (listsTopics)')
    expect(overview).toContain('cannot list groups (listsGroups)')
    const ready = (await site.get('/group?topic=t&group=g&list=ready')).text
    expect(ready).toContain('cannot pause groups (pausesGroups)')
    expect(ready).toContain('cannot list messages that are ready (listsWaiting)')
    expect((await site.get('/group?topic=t&group=g&list=inFlight')).text).toContain('(listsInFlight)')

    const some = { ...capabilities, listsWaiting: true }
    const other = await open({ allow: everything }, wrapped(queue, { capabilities: some, capabilitiesOf: () => some }))
    const delayed = (await other.get('/group?topic=t&group=g&list=delayed')).text
    expect(delayed).toContain(
      'cannot remove single messages (removesWaiting), nor run a message before it is due (runsNow)',
    )
  })

  it('still shows what this process consumes, and any group by its name', async () => {
    const queue = await openQueue()
    await queue.subscribe('t', () => {}, { group: 'g' })
    const capabilities = { ...queue.capabilities, listsTopics: false, listsGroups: false }
    const site = await open({}, wrapped(queue, { capabilities, capabilitiesOf: () => capabilities }))
    const { text } = await site.get('/')
    expect(text).toContain('href="/group?topic=t&amp;group=g"')
    expect(text).toContain('name="topic"')
  })
})
