import { createScheduler, defineForeignTopic, openQueue, Unrecoverable } from '@mq/core'
import { enqueueHere } from './celery.js'

const { OLD_URL = 'amqp://localhost:5672', MQ_URL = 'amqp://localhost:5672' } = process.env
const celery = defineForeignTopic('celery-old', { at: 'celery', decode: 'json' })
const [old, queue] = [await openQueue(OLD_URL, { group: 'move' }), await openQueue(MQ_URL)]
const scheduler = createScheduler(queue)

await old.subscribe(
  celery,
  async ({ headers, data: body }) => {
    const { task = '', id = '', eta } = headers
    // It becomes a dead letter of this group, and can be replayed once somebody has written the task.
    if (!(await enqueueHere(scheduler, { task, id, eta, body }))) throw new Unrecoverable(`no such task: ${task}`)
  },
  { concurrency: 50 },
)
console.log('moving')
process.once('SIGTERM', async () => {
  await old.disconnect()
  await scheduler.stop()
  await queue.disconnect()
})
