import { createScheduler, defineTask, type Queue, type TaskScheduler, Unrecoverable } from '@mq/core'
import { memoryStore } from '@mq/memory'
import { describe, expect, it, onTestFinished } from 'vitest'
import { everything, open, openQueue, until } from './support/site.js'
import { wrapped } from './support/wrapped.js'

interface Input {
  readonly path: string
  readonly how: 'well' | 'badly' | 'long'
}

const resize = defineTask({
  name: 'resize',
  async execute({ path, how }: Input, { progress, signal }) {
    progress(0.4, `two of five sizes of ${path}`)
    if (how === 'badly') throw new Unrecoverable(`${path} is no image`)
    if (how === 'long') await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    return { of: path, sizes: [64, 128] }
  },
})

async function openTasks(): Promise<{ queue: Queue; scheduler: TaskScheduler }> {
  const queue = await openQueue()
  const scheduler = createScheduler(queue, { store: memoryStore() })
  onTestFinished(() => scheduler.stop({ timeoutMs: 100 }))
  await scheduler.register(resize, { concurrency: 5 })
  await scheduler.schedule('nightly', { cron: '0 3 * * *', timeZone: 'Europe/Berlin' }, resize, {
    path: 'n',
    how: 'well',
  })
  await scheduler.start()
  return { queue, scheduler }
}

describe('a task', () => {
  it('that has completed shows its result', async () => {
    const { queue, scheduler } = await openTasks()
    const { id } = await scheduler.enqueue(resize, { path: 'cat.png', how: 'well' })
    await until(async () => (await scheduler.result(id)) !== undefined)
    const site = await open({ scheduler }, queue)
    const { text } = await site.get(`/task?id=${id}`)
    expect(text).toContain('completed')
    expect(text).toContain('cat.png')
    expect(text).toContain('The input is not known any more')
  })

  it('that has failed shows why, with its input', async () => {
    const { queue, scheduler } = await openTasks()
    const { id } = await scheduler.enqueue(resize, { path: 'dog.txt', how: 'badly' })
    await until(async () => (await queue.stats('task.resize', 'workers')).dead === 1)
    const site = await open({ scheduler }, queue)
    const { text } = await site.get(`/task?id=${id}&task=resize`)
    expect(text).toContain('failed')
    expect(text).toContain('dog.txt is no image')
    expect(text).toContain('Input')
    expect(text).toContain('Caused by')
  })

  it('that runs shows how far it is, and is cancelled', async () => {
    const { queue, scheduler } = await openTasks()
    const { id } = await scheduler.enqueue(resize, { path: 'film.png', how: 'long' })
    await until(async () => (await scheduler.progress(id)) !== undefined)
    const site = await open({ scheduler, allow: everything }, queue)
    const { text } = await site.get(`/task?id=${id}&task=resize`)
    expect(text).toMatch(/running.*40 %.*two of five sizes/s)
    expect((await site.post('/cancel', { id, task: 'resize' })).status).toBe(303)
    await until(async () => (await scheduler.result(id))?.status === 'cancelled')
    expect((await site.get(`/task?id=${id}&task=resize`)).text).toContain('cancelled')
    expect((await site.post('/cancel', { id, task: 'resize' })).status).toBe(409)
  })

  it('shows what it has caused and is still there, as far as was looked, when somebody asks', async () => {
    const queue = await openQueue()
    const scheduler = createScheduler(queue, { store: memoryStore() })
    onTestFinished(() => scheduler.stop({ timeoutMs: 100 }))
    const child = defineTask({ name: 'child', execute: () => null })
    const parent = defineTask({
      name: 'parent',
      async execute() {
        await scheduler.enqueue(child, null, { id: 'the-child', delayMs: 3_600_000 })
        await queue.publish('mail', { to: '<b>ada</b>' }, { id: '<i>mail' })
      },
    })
    await queue.declareGroup('mail', 'mailer')
    await queue.publish('mail', 1, { id: 'of-somebody-else' })
    await scheduler.register(parent)
    await scheduler.register(child)
    await scheduler.start()
    const { id } = await scheduler.enqueue(parent, null)
    await until(async () => (await scheduler.result(id))?.status === 'completed')
    const site = await open({ scheduler }, queue)
    const before = (await site.get(`/task?id=${id}&task=parent`)).text
    expect(before).toMatch(/Effects<.*unknown.*Look for what this task has published/s)
    expect(before).not.toContain('the-child')
    const { text } = await site.get(`/task?id=${id}&task=parent&effects=look`)
    expect(text).toMatch(/the-child<.*delayed in <[^>]+>workers<.*task\.child</s)
    expect(text).toMatch(/&lt;i>mail<.*ready in <[^>]+>mailer</s)
    expect(text).not.toContain('of-somebody-else')
    expect(text).toContain(
      'Looked at the first 250 messages of each list (ready, running, retrying, delayed, dead) of 3 groups. What',
    )
    const link = /href="(\/message\?[^"]*list=delayed[^"]*)"/.exec(text)?.[1] ?? ''
    expect((await site.get(link.replaceAll('&amp;', '&'))).text).toContain('the-child')

    const capabilities = { ...queue.capabilities, listsWaiting: false, listsInFlight: false }
    const blind = await open({ scheduler }, wrapped(queue, { capabilities, capabilitiesOf: () => capabilities }))
    const less = (await blind.get(`/task?id=${id}&task=parent&effects=look`)).text
    expect(less).toMatch(/No message that is still there.*of each list \(dead\) of 3 groups/s)
    for (let at = 0; at < 25; at += 1) await queue.declareGroup(`task.${at}`, 'workers')
    const many = await open({ scheduler }, queue)
    expect((await many.get(`/task?id=${id}&task=parent&effects=look`)).text).toContain(
      'of 20 groups. There are more groups or messages than that.',
    )
  })

  it('that nobody knows is unknown', async () => {
    const { queue, scheduler } = await openTasks()
    const site = await open({ scheduler }, queue)
    const { text } = await site.get('/task?id=nobody&task=resize')
    expect(text).toContain('unknown')
    expect(text).toContain('was not found')
  })

  it('hides its result, its failure and its words as the application says', async () => {
    const { queue, scheduler } = await openTasks()
    const [good, bad] = [
      await scheduler.enqueue(resize, { path: 'secret-cat', how: 'well' }),
      await scheduler.enqueue(resize, { path: 'secret-dog', how: 'badly' }),
    ]
    await until(async () => (await queue.stats('task.resize', 'workers')).dead === 1)
    await until(async () => (await scheduler.result(good.id)) !== undefined)
    const redact = (data: unknown): unknown => JSON.parse(JSON.stringify(data).replace(/secret-\w+/g, '(hidden)'))
    const site = await open({ scheduler, redact }, queue)
    for (const path of [`/task?id=${good.id}`, `/task?id=${bad.id}`, `/task?id=${bad.id}&task=resize`]) {
      const { text } = await site.get(path)
      expect(text).toMatch(/completed|failed/)
      expect(text).not.toContain('secret')
    }
    await queue.deadLetters('task.resize', 'workers').purge()
    expect((await site.get(`/task?id=${bad.id}&task=resize`)).text).not.toContain('secret')
  })
})

describe('the list of tasks and that of schedules', () => {
  it('show workers, rules and next ticks', async () => {
    const { queue, scheduler } = await openTasks()
    const site = await open({ scheduler }, queue)
    expect((await site.get('/tasks')).text).toMatch(/resize/)
    const { text } = await site.get('/schedules')
    expect(text).toMatch(/nightly.*0 3 \* \* \*.*Europe\/Berlin.*in \d+/s)
  })

  it('say what another process knows', async () => {
    const { queue } = await openTasks()
    const site = await open({}, queue)
    expect((await site.get('/tasks')).text).toContain('Results and progress are not known here')
    const { text } = await site.get('/schedules')
    expect(text).toContain('nightly')
    expect(text).toContain('Of the others only the name is known here')
    expect(text).toContain('unknown')
  })
})
