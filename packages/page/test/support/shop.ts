import { createScheduler, defineTask, type Queue, type TaskScheduler, Unrecoverable } from '@mq/core'
import { memoryStore } from '@mq/memory'
import { onTestFinished } from 'vitest'
import { openQueue, until } from './site.js'

export interface Shop {
  readonly queue: Queue
  readonly scheduler: TaskScheduler
}

interface Picture {
  readonly path: string
  readonly isLong?: boolean
}

const resize = defineTask({
  name: 'resize',
  async execute({ path, isLong = false }: Picture, { progress, signal }) {
    progress(0.4, 'two of five sizes')
    if (path.endsWith('.txt')) throw new Unrecoverable(`${path} is no picture`)
    if (isLong) await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    return { sizes: [64, 128] }
  },
})

/** Opens a queue in which something of everything happens. */
export async function openShop(): Promise<Shop> {
  const queue = await openQueue({ retry: { attempts: 3, delayMs: 60_000 } })
  await queue.subscribe(
    'mail',
    async ({ data }) => {
      const { to } = data as { to: string }
      if (to.startsWith('bruno')) throw new Unrecoverable(`550 no such user ${to}`)
      if (to.startsWith('chen')) throw Object.assign(new Error('451 the mailbox is busy'), { code: 'EBUSY' })
      if (to.startsWith('slow')) await new Promise(() => {})
    },
    { group: 'mailer', concurrency: 20 },
  )
  for (const to of ['bruno', 'chen', 'slow', 'ada']) {
    for (let at = 0; at < 3; at += 1)
      await queue.publish('mail', { to: `${to}${at}@example.com`, country: 'GB' }, { key: to })
  }
  await queue.publish('mail', { to: 'ada@example.com' }, { delayMs: 3_600_000 })
  await queue.declareGroup('invoice', 'billing')
  for (let at = 0; at < 60; at += 1) await queue.publish('invoice', { invoice: at })

  const scheduler = createScheduler(queue, { store: memoryStore() })
  onTestFinished(() => scheduler.stop({ timeoutMs: 100 }))
  await scheduler.register(resize, { concurrency: 5 })
  await scheduler.schedule('nightly', { cron: '0 3 * * *' }, resize, { path: 'n.png' })
  await scheduler.start()
  await scheduler.enqueue(resize, { path: 'film.png', isLong: true }, { id: 'film' })
  await scheduler.enqueue(resize, { path: 'dog.txt' }, { id: 'dog' })
  await until(async () => (await queue.stats('task.resize', 'workers')).dead === 1)
  await until(async () => {
    const { dead, retrying, inFlight } = await queue.stats('mail', 'mailer')
    return dead === 3 && retrying === 3 && inFlight === 3
  })
  return { queue, scheduler }
}

/** All parts of the page of a shop. */
export const shopPaths: readonly string[] = [
  '/',
  '/?find=nothing',
  '/group?topic=mail&group=mailer&list=dead',
  '/group?topic=mail&group=mailer&list=dead&reason=unrecoverable&older=soon',
  '/group?topic=mail&group=mailer&list=retrying',
  '/group?topic=mail&group=mailer&list=inFlight',
  '/group?topic=mail&group=mailer&list=delayed',
  '/group?topic=invoice&group=billing&list=ready',
  '/ask?what=replay&topic=mail&group=mailer',
  '/ask?what=purge&topic=mail&group=mailer&reason=error',
  '/tasks',
  '/task?id=film&task=resize',
  '/task?id=dog&task=resize',
  '/task?id=dog&task=resize&effects=look',
  '/schedules',
  '/nothing',
]
