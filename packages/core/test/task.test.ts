import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineTask, type Task, type TaskContext } from '../src/index.js'
import { json } from './support/deliveries.js'
import { mqErrorOf, typeErrorOf } from './support/errors.js'
import { scheduled } from './support/tasks.js'

const input = z.object({ to: z.email(), copies: z.coerce.number().default(1) })

class SendEmailTask implements Task<z.output<typeof input>, string, z.input<typeof input>> {
  readonly name = 'send-email'
  readonly input = input
  readonly #outbox: unknown[]

  constructor(outbox: unknown[]) {
    this.#outbox = outbox
  }

  async execute(mail: z.output<typeof input>): Promise<string> {
    this.#outbox.push(mail)
    return `sent to ${mail.to}`
  }
}

describe('a task', () => {
  it('may be a class with its dependencies in the constructor', async () => {
    const { scheduler, run } = await scheduled()
    const outbox: unknown[] = []
    const results: unknown[] = []
    scheduler.on('completed', ({ result }) => results.push(result))
    await scheduler.register(new SendEmailTask(outbox))
    await scheduler.start()
    const body = json({ to: 'ada@example.com', copies: '2' })
    expect(await run('task.send-email', { message: { body } })).toEqual({ kind: 'done' })
    expect(outbox).toEqual([{ to: 'ada@example.com', copies: 2 }])
    expect(results).toEqual(['sent to ada@example.com'])
  })

  it('gets a context that says which run it is', async () => {
    const opened = await scheduled()
    const seen: TaskContext[] = []
    await opened.scheduler.register(
      defineTask({ name: 'a', execute: (_: unknown, context) => void seen.push(context) }),
    )
    await opened.scheduler.start()
    await opened.run('task.a', { attempt: 2, message: { headers: { trace: '1' } } })
    expect(seen[0]).toMatchObject({
      id: 'm-1',
      task: 'a',
      attempt: 2,
      time: new Date('2026-01-02T03:04:05.678Z'),
      headers: { trace: '1' },
    })
    expect(seen[0]?.queue).toBe(opened.queue)
    expect(seen[0]?.signal.aborted).toBe(false)
    seen[0]?.log.warn('slow')
    expect(opened.log.lines[0]?.fields).toMatchObject({
      task: 'a',
      topic: 'task.a',
      group: 'workers',
      id: 'm-1',
      attempt: 2,
    })
  })

  it('fails, is retried and timed out by its own policy', async () => {
    const opened = await scheduled({}, { retry: { attempts: 9 } })
    const { scheduler, run } = opened
    const failing = (): never => {
      throw new Error('no')
    }
    const retry = { attempts: 2, backoff: 'fixed', delayMs: 7, jitter: 'none' } as const
    await scheduler.register(defineTask({ name: 'a', retry, execute: failing }), { concurrency: 3 })
    await scheduler.register(
      defineTask({ name: 'b', retry: false, timeoutMs: 5, execute: () => new Promise(() => {}) }),
    )
    await scheduler.start()
    expect(await run('task.a')).toMatchObject({ kind: 'retry', delayMs: 7 })
    expect(await run('task.a', { attempt: 2 })).toMatchObject({ kind: 'dead' })
    expect(await run('task.b')).toMatchObject({ kind: 'dead', failure: { reason: 'timeout' } })
    expect(opened.workers[0]?.options.concurrency).toBe(3)
  })

  it('never runs with input that does not match: that is dead-lettered', async () => {
    const { scheduler, run } = await scheduled()
    const outbox: unknown[] = []
    await scheduler.register(new SendEmailTask(outbox))
    await scheduler.start()
    const settlement = await run('task.send-email', { message: { body: json({ to: 'nobody' }) } })
    expect(settlement).toMatchObject({ kind: 'dead', failure: { reason: 'invalid' } })
    expect(outbox).toEqual([])
  })
})

describe('enqueue', () => {
  it('publishes to the topic of the task, now, after a delay or at a time', async () => {
    const { scheduler, sent } = await scheduled()
    const task = defineTask({ name: 'resize', input: z.object({ width: z.number() }), execute: () => {} })
    const now = await scheduler.enqueue(task, { width: 1 }, { id: 'x', key: 'k' })
    await scheduler.enqueue(task, { width: 2 }, { delayMs: 500 })
    await scheduler.enqueue(task, { width: 3 }, { at: new Date(Date.now() + 60_000) })
    expect(now).toEqual({ id: 'x', routed: 'yes', duplicate: false })
    const messages = sent('task.resize')
    expect(messages.map(({ body }) => Buffer.from(body).toString())).toEqual([
      '{"width":1}',
      '{"width":2}',
      '{"width":3}',
    ])
    expect(messages).toMatchObject([{ key: 'k', type: 'task.resize' }, { delayMs: 500 }, {}])
  })

  it('refuses input that does not match, naming the field, and whatever publish refuses', async () => {
    const { scheduler, adapter } = await scheduled()
    const task = new SendEmailTask([])
    const error = await mqErrorOf(() => scheduler.enqueue(task, { to: 'nobody' }), 'MQ_INVALID_DATA')
    expect(error.message).toContain('to: ')
    await mqErrorOf(() => scheduler.enqueue(task, { to: 'a@example.com' }, { delayMs: -1 }), 'MQ_INVALID_OPTION')
    expect(adapter.published).toEqual([])
  })
})

describe('what is no task', () => {
  const execute = (): void => {}
  it.each([
    ['nothing', undefined],
    ['a function', execute],
    ['a task without a name', { execute }],
    ['a task without execute', { name: 'a' }],
    ['a task whose input is no schema', { name: 'a', execute, input: { type: 'object' } }],
    ['a task whose retry is no policy', { name: 'a', execute, retry: 3 }],
    ['a task whose timeout is a text', { name: 'a', execute, timeoutMs: '5' }],
  ])('is refused with a TypeError: %s', async (_, task) => {
    const { scheduler, adapter } = await scheduled()
    await typeErrorOf(() => defineTask(task as never))
    await typeErrorOf(() => scheduler.register(task as never))
    await typeErrorOf(() => scheduler.enqueue(task as never, 1))
    await typeErrorOf(() => scheduler.route('t', task as never, () => undefined))
    expect(adapter.calls).toEqual(['connect'])
  })

  it('is refused for a name that cannot be part of a topic, or is longer than 90 characters', async () => {
    expect(defineTask({ name: 'x'.repeat(90), execute }).name).toHaveLength(90)
    for (const name of ['x'.repeat(91), 'a b', '', '.a']) {
      const error = await mqErrorOf(() => defineTask({ name, execute }), 'MQ_INVALID_NAME')
      expect(error.message).toContain('name of the task')
    }
    const long = await mqErrorOf(() => defineTask({ name: 'x'.repeat(95), execute }), 'MQ_INVALID_NAME')
    expect(long.message).toMatch(/95 characters.*90/)
    await mqErrorOf(() => defineTask({ name: 'a', retry: { attempts: 0 }, execute }), 'MQ_INVALID_OPTION')
    await mqErrorOf(() => defineTask({ name: 'a', timeoutMs: -5, execute }), 'MQ_INVALID_OPTION')
  })
})
