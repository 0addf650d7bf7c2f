import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineEvent, defineTask } from '../src/index.js'
import { json } from './support/deliveries.js'
import { mqErrorOf, typeErrorOf } from './support/errors.js'
import { scheduled } from './support/tasks.js'

const userCreated = defineEvent('user.created', { schema: z.object({ userId: z.string(), email: z.string() }) })
const sendEmail = defineTask({ name: 'send-email', input: z.object({ to: z.email() }), execute: () => {} })
const created = { userId: '42', email: 'ada@example.com' }

describe('route', () => {
  it('enqueues the task with the mapped input, in a group of its own', async () => {
    const { scheduler, adapter, run, sent } = await scheduled()
    await scheduler.route(userCreated, sendEmail, ({ data }) => ({ to: data.email }), { concurrency: 2 })
    expect(adapter.consumers).toEqual([])
    await scheduler.start()
    expect(adapter.consumers[0]).toMatchObject({
      ref: { topic: 'user.created', group: 'on.send-email' },
      options: { concurrency: 2 },
    })
    expect(await run('user.created', { message: { id: 'e1', body: json(created) } })).toEqual({ kind: 'done' })
    expect(sent('task.send-email')).toMatchObject([{ id: 'e1/send-email', body: json({ to: 'ada@example.com' }) }])
  })

  it('asks for the same task when the event comes twice', async () => {
    const { scheduler, run, sent } = await scheduled()
    await scheduler.route('user.created', sendEmail, async () => ({ to: 'a@example.com' }))
    await scheduler.start()
    for (const attempt of [1, 2]) await run('user.created', { attempt, message: { id: 'e1', body: json(created) } })
    expect(new Set(sent('task.send-email').map(({ id }) => id)).size).toBe(1)
  })

  it('makes an id that fits for every event id, and different ones for different events and tasks', async () => {
    const { scheduler, run, sent } = await scheduled()
    const other = defineTask({ name: 'other', execute: () => {} })
    await scheduler.route('a', sendEmail, () => ({ to: 'a@example.com' }))
    await scheduler.route('b', other, () => 1)
    await scheduler.start()
    const room = 255 - '/send-email'.length
    const ids = ['x'.repeat(room), 'x'.repeat(room + 1), 'é'.repeat(127), `${'é'.repeat(126)}ab`]
    for (const id of ids) {
      for (const topic of ['a', 'b']) expect(await run(topic, { message: { id } })).toEqual({ kind: 'done' })
    }
    const made = [...sent('task.send-email'), ...sent('task.other')].map(({ id }) => id)
    expect(new Set(made).size).toBe(8)
    for (const id of made) expect(Buffer.byteLength(id)).toBeLessThanOrEqual(255)
    expect(made[0]).toBe(`${ids[0]}/send-email`)
    expect(made[1]).toMatch(/^[0-9a-f]{64}$/)
  })

  it('passes the key of the event on, or the one that it is told to compute', async () => {
    const { scheduler, run, sent } = await scheduled()
    const other = defineTask({ name: 'other', execute: () => {} })
    const none = defineTask({ name: 'none', execute: () => {} })
    await scheduler.route('a', sendEmail, () => ({ to: 'a@example.com' }))
    await scheduler.route('b', other, () => 1, { key: ({ id }) => `key of ${id}` })
    await scheduler.route('c', none, () => 1, { key: () => undefined })
    await scheduler.start()
    for (const topic of ['a', 'b', 'c']) await run(topic, { message: { id: 'e1', key: 'user-42' } })
    expect(sent('task.send-email')).toMatchObject([{ key: 'user-42' }])
    expect(sent('task.other')).toMatchObject([{ key: 'key of e1' }])
    expect(sent('task.none')[0]).not.toHaveProperty('key')
  })

  it('keeps the order of a key that another program wrote and that no publish would take', async () => {
    const { scheduler, run, sent } = await scheduled()
    await scheduler.route('a', sendEmail, () => ({ to: 'a@example.com' }))
    await scheduler.start()
    const keys = ['x'.repeat(300), 'line\nbreak', '', 'x'.repeat(300)]
    for (const key of keys) expect(await run('a', { message: { key } })).toEqual({ kind: 'done' })
    const [long, broken, empty, again] = sent('task.send-email').map(({ key }) => key)
    expect(new Set([long, broken, empty]).size).toBe(3)
    expect(again).toBe(long)
  })

  it('refuses a key that is no function', async () => {
    const { scheduler } = await scheduled()
    await typeErrorOf(() => scheduler.route('a', sendEmail, () => undefined, { key: 'fixed' as never }))
  })

  it('enqueues nothing where the mapping returns undefined', async () => {
    const { scheduler, run, sent } = await scheduled()
    await scheduler.route('user.created', sendEmail, () => undefined)
    await scheduler.start()
    expect(await run('user.created')).toEqual({ kind: 'done' })
    expect(sent('task.send-email')).toEqual([])
  })

  it('does not acknowledge the event when the task could not be enqueued', async () => {
    const { scheduler, run } = await scheduled({ publish: async () => [{ status: 'rejected', routed: 'unknown' }] })
    await scheduler.route('user.created', sendEmail, () => ({ to: 'a@example.com' }))
    await scheduler.route('other', sendEmail, () => ({ to: 'nobody' }), { retry: false })
    await scheduler.start()
    expect(await run('user.created')).toMatchObject({
      kind: 'retry',
      failure: { error: { code: 'MQ_PUBLISH_REJECTED' } },
    })
    expect(await run('other')).toMatchObject({ kind: 'dead', failure: { error: { code: 'MQ_INVALID_DATA' } } })
  })

  it('refuses a mapping that is no function, and a topic that is none', async () => {
    const { scheduler, adapter } = await scheduled()
    await typeErrorOf(() => scheduler.route('t', sendEmail, { to: 'a' } as never))
    await typeErrorOf(() => scheduler.route(undefined as never, sendEmail, () => undefined))
    await mqErrorOf(() => scheduler.route('two words', sendEmail, () => undefined), 'MQ_INVALID_NAME')
    await scheduler.start()
    expect(adapter.consumers).toEqual([])
  })
})
