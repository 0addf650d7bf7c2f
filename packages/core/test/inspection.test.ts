import { describe, expect, it } from 'vitest'
import type { GroupPause, PageRequest, WaitingStore } from '../src/adapter.js'
import { type Adapter, type Capabilities, createQueue, defineTask, type Queue } from '../src/index.js'
import { mqErrorOf } from './support/errors.js'
import { fakeAdapter } from './support/fake-adapter.js'

const everything: Partial<Capabilities> = {
  listsTopics: true,
  listsGroups: true,
  listsWaiting: true,
  listsInFlight: true,
  removesWaiting: true,
  runsNow: true,
  pausesGroups: true,
}

const members: Pick<Adapter, 'topics' | 'groups' | 'waiting' | 'pauseGroup' | 'resumeGroup'> = {
  topics: async () => ({ items: [] }),
  groups: async () => ({ items: [] }),
  waiting: () => ({ list: async () => ({ items: [] }), remove: async () => 0, runNow: async () => 0 }),
  pauseGroup: async () => {},
  resumeGroup: async () => {},
}

async function connected(changed: Partial<Adapter> = {}, capabilities = everything): Promise<Queue> {
  const queue = createQueue({ ...fakeAdapter({ capabilities }), ...members, ...changed } as Adapter, { group: 'own' })
  await queue.connect()
  return queue
}

describe('an adapter that states a capability', () => {
  it.each([
    ['listsTopics', 'topics'],
    ['listsGroups', 'groups'],
    ['listsWaiting', 'waiting'],
    ['listsInFlight', 'waiting'],
    ['removesWaiting', 'waiting'],
    ['runsNow', 'waiting'],
    ['pausesGroups', 'pauseGroup'],
    ['pausesGroups', 'resumeGroup'],
  ] as const)('%s without the member %s is refused', (capability, member) => {
    const adapter = { ...fakeAdapter({ capabilities: { [capability]: true } }), ...members, [member]: undefined }
    expect(() => createQueue(adapter as unknown as Adapter)).toThrow(TypeError)
    expect(() => createQueue(adapter as unknown as Adapter)).toThrow(
      `capabilities.${capability} needs the member ${member}`,
    )
  })
})

describe('what an adapter cannot do is refused by name', () => {
  it.each<readonly [keyof Capabilities, (queue: Queue) => Promise<unknown>]>([
    ['listsTopics', (queue) => queue.topics()],
    ['listsGroups', (queue) => queue.groups('t')],
    ['listsWaiting', (queue) => queue.waiting('t').list()],
    ['listsWaiting', (queue) => queue.waiting('t').list({ state: 'retrying' })],
    ['listsInFlight', (queue) => queue.waiting('t').list({ state: 'inFlight' })],
    ['removesWaiting', (queue) => queue.waiting('t').remove(['1'])],
    ['removesWaiting', (queue) => queue.waiting('t').remove([])],
    ['runsNow', (queue) => queue.waiting('t').runNow(['1'])],
    ['pausesGroups', (queue) => queue.pauseGroup('t', 'g')],
    ['pausesGroups', (queue) => queue.resumeGroup('t', 'g')],
  ])('%s', async (capability, call) => {
    const error = await mqErrorOf(
      async () => call(await connected({}, { ...everything, [capability]: false })),
      'MQ_NOT_SUPPORTED',
    )
    expect(error.message).toMatch(/^fake cannot /)
    expect(error.message).toContain(capability)
  })
})

describe('the calls', () => {
  it('check their options before the adapter is asked', async () => {
    const queue = await connected()
    await mqErrorOf(() => queue.topics({ limit: 0 }), 'MQ_INVALID_OPTION')
    await mqErrorOf(() => queue.groups('t', { limit: 1_001 }), 'MQ_INVALID_OPTION')
    await mqErrorOf(() => queue.waiting('t').list({ state: 'dead' as never }), 'MQ_INVALID_OPTION')
    await mqErrorOf(() => queue.waiting('t').list({ states: 'ready' } as never), 'MQ_INVALID_OPTION')
    await mqErrorOf(() => queue.pauseGroup('t', 'g', { by: '' }), 'MQ_INVALID_OPTION')
    await mqErrorOf(() => queue.pauseGroup('t', 'g', { by: 'a\u001b[2J' }), 'MQ_INVALID_OPTION')
    await mqErrorOf(() => queue.groups('not a name'), 'MQ_INVALID_NAME')
    await expect(queue.topics({ after: 5 as never })).rejects.toThrow(TypeError)
    await expect(queue.waiting('t').remove('1-0' as never)).rejects.toThrow(TypeError)
    await expect(queue.waiting('t').runNow(undefined as never)).rejects.toThrow(TypeError)
    // The group of the queue does not count: a group that is paused is named.
    await expect((queue.pauseGroup as unknown as (topic: string) => Promise<void>)('t')).rejects.toThrow(TypeError)
  })

  it('pass pages, states and groups to the adapter, and none of an empty list', async () => {
    const asked: unknown[] = []
    const store: WaitingStore = {
      list: async (page) => {
        asked.push(page)
        return { items: [], next: 'more' }
      },
      remove: async (ids) => asked.push(ids),
      runNow: async (ids) => asked.push(ids),
    }
    const queue = await connected({
      topics: async (page: PageRequest) => {
        asked.push(page)
        return { items: [{ topic: 't' }] }
      },
      groups: async (topic, page) => {
        asked.push(topic, page)
        return { items: [] }
      },
      waiting: (ref) => {
        asked.push(ref)
        return store
      },
    })
    expect(await queue.topics()).toEqual({ items: [{ topic: 't' }] })
    await queue.groups('t', { limit: 5, after: 'x' })
    const task = defineTask({ name: 'resize', execute: () => {} })
    expect(await queue.waiting(task).list({ state: 'delayed' })).toEqual({ items: [], next: 'more' })
    expect(await queue.waiting('t').remove([])).toEqual({ removed: 0 })
    expect(await queue.waiting('t').runNow([])).toEqual({ readied: 0 })
    expect(asked).toEqual([
      { limit: 100 },
      { topic: 't' },
      { limit: 5, after: 'x' },
      { topic: 'task.resize', group: 'workers' },
      { limit: 100, state: 'delayed' },
    ])
  })

  it('name who pauses: the host and the process, unless the caller says more', async () => {
    const marks: GroupPause[] = []
    const queue = await connected({
      pauseGroup: async (_, mark) => void marks.push(mark),
    })
    await queue.pauseGroup('t', 'g')
    await queue.pauseGroup('t', 'g', { by: 'Ada' })
    expect(marks.map(({ by }) => by)).toEqual([expect.stringMatching(new RegExp(`^.+/${process.pid}$`)), 'Ada'])
    for (const { since } of marks) expect(Math.abs(since - Date.now())).toBeLessThan(60_000)
  })

  it('end with MQ_TIMEOUT if the adapter does not answer', async () => {
    const queue = createQueue(
      { ...fakeAdapter({ capabilities: everything }), ...members, topics: () => new Promise(() => {}) } as Adapter,
      { operationTimeoutMs: 20 },
    )
    await queue.connect()
    await mqErrorOf(() => queue.topics(), 'MQ_TIMEOUT')
  })
})
