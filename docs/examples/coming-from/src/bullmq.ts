import { createScheduler, openQueue } from '@mq/core'
import { type Job, Queue, Worker } from 'bullmq'
import { sendWelcome } from './tasks.js'

const { OLD_URL = 'redis://localhost:6379', MQ_URL = 'redis://localhost:6379' } = process.env
const connection = { url: OLD_URL }
const queue = await openQueue(MQ_URL)
const scheduler = createScheduler(queue)
const old = new Queue('mail', { connection })

// A schedule makes jobs without end. It is set up here with scheduler.schedule().
for (const { key } of await old.getJobSchedulers()) await old.removeJobScheduler(key)
// Jobs with a delay wait too, and are handed out only when they are due. Now they are all handed out.
await old.promoteJobs()

/** Enqueues a job for the rest of its delay. It is stored here before it is completed there. */
async function move(job: Job): Promise<void> {
  const dueAt = job.timestamp + (job.opts.delay ?? 0)
  const delayMs = Math.max(0, dueAt - Date.now())
  await scheduler.enqueue(sendWelcome, job.data, { id: `mail-${job.id}`, delayMs })
}

const worker = new Worker('mail', move, { connection, concurrency: 50, lockDuration: 5_000, stalledInterval: 5_000 })
let moved = 0
worker.on('completed', () => {
  moved += 1
})
worker.on('failed', (job, error) => console.error(`not moved: ${job?.id}: ${error.message}`))

const waiting = ['wait', 'prioritized', 'delayed', 'active'] as const
const isEmpty = async (): Promise<boolean> => {
  const counts = await old.getJobCounts(...waiting)
  return waiting.every((state) => counts[state] === 0)
}
while (!(await isEmpty())) await new Promise((resolve) => setTimeout(resolve, 200))
console.log(`moved ${moved} jobs`)
await worker.close()
await old.close()
await scheduler.stop()
await queue.disconnect()
