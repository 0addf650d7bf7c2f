import { createScheduler, openQueue } from '@mq/core'
import { Redis } from 'ioredis'
import { enqueueHere } from './celery.js'

const { OLD_URL = 'redis://localhost:6379', MQ_URL = 'redis://localhost:6379' } = process.env
const queue = await openQueue(MQ_URL)
const scheduler = createScheduler(queue)
const old = new Redis(OLD_URL)

/** An entry of the list that kombu keeps for a queue. */
interface Entry {
  readonly body: string
  readonly 'content-type': string
  readonly headers: { readonly task: string; readonly id: string; readonly eta: string | null }
}

async function move(text: string): Promise<boolean> {
  const { body, headers, 'content-type': type } = JSON.parse(text) as Entry
  if (type !== 'application/json') return false
  return enqueueHere(scheduler, { ...headers, body: JSON.parse(Buffer.from(body, 'base64').toString()) })
}

let [moved, left] = [0, 0]
for (;;) {
  // A program that was killed has left its message in celery:moving, and the next one begins with it.
  const text = (await old.lindex('celery:moving', 0)) ?? (await old.lmove('celery', 'celery:moving', 'RIGHT', 'LEFT'))
  if (text === null) break
  if (await move(text)) {
    await old.lpop('celery:moving')
    moved += 1
  } else {
    await old.lmove('celery:moving', 'celery:left', 'LEFT', 'LEFT')
    left += 1
  }
}
console.log(`moved ${moved} tasks, left ${left}`)
old.disconnect()
await scheduler.stop()
await queue.disconnect()
