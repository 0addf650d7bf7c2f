import { createScheduler, openQueue } from '@mq/core'
import { Redis } from 'ioredis'
import { sendWelcome } from './tasks.js'

const { OLD_URL = 'redis://localhost:6379', MQ_URL = 'redis://localhost:6379' } = process.env
const queue = await openQueue(MQ_URL)
const scheduler = createScheduler(queue)
const old = new Redis(OLD_URL)

let moved = 0
for (;;) {
  // A program that was killed has left its message in mails:moving, and the next one begins with it.
  const text = (await old.lindex('mails:moving', 0)) ?? (await old.lmove('mails', 'mails:moving', 'RIGHT', 'LEFT'))
  if (text === null) break
  const { id, ...mail } = JSON.parse(text)
  await scheduler.enqueue(sendWelcome, mail, { id })
  await old.lpop('mails:moving')
  moved += 1
}
console.log(`moved ${moved} mails`)
old.disconnect()
await scheduler.stop()
await queue.disconnect()
