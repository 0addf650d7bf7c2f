// Runs one of several processes with the same schedule. The trial kills it.
import { createQueue, createScheduler } from '@mq/core'
import { redisStore } from '@mq/redis'
import { report } from '@mq/test-brokers'
import { adapterFor, everyMs, type Job, type Said, taskOf } from './plan.js'

const job = JSON.parse(process.argv[2] ?? '{}') as Job
const tell = (said: Said): Promise<void> => report(said)

const queue = createQueue(adapterFor(job))
queue.use({
  async publish(request, next) {
    if (request.topic === `task.${job.name}`) await tell({ type: 'enqueues', id: request.id, at: Date.now() })
    return next(request)
  },
})
// The broker stays up here, but the death of one replica may cause errors in the others.
queue.on('error', () => {})
await queue.connect()
const store = job.storeUrl === undefined ? undefined : redisStore({ url: job.storeUrl })
const scheduler = createScheduler(queue, { ...(store && { store }) })
await scheduler.schedule(
  job.name,
  { everyMs },
  taskOf(job.name, () => {}),
  null,
)
await scheduler.start()
process.once('SIGTERM', async () => {
  await scheduler.stop({ timeoutMs: 3_000 })
  await queue.disconnect({ timeoutMs: 3_000 })
  await store?.disconnect()
  process.exit(0)
})
await tell({ type: 'ready' })
