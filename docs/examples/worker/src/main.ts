import { once } from 'node:events'
import { createScheduler, openQueue, queueConfigFromEnv } from '@mq/core'
import { userCreated } from './contracts.js'
import { countUsers, resizePhoto, sendEmail } from './tasks.js'

const { url, options } = queueConfigFromEnv(process.env, { url: 'redis://localhost:6379' })
const stopped = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])

const queue = await openQueue(url, options)
const scheduler = createScheduler(queue)
await scheduler.register(sendEmail, { concurrency: 20, rate: { starts: 100, perMs: 1_000 } })
await scheduler.register(resizePhoto, { concurrency: 2 })
await scheduler.register(countUsers)
await scheduler.route(userCreated, sendEmail, ({ data }) => ({ to: data.email }))
await scheduler.route(userCreated, resizePhoto, ({ data }) => ({ photo: data.photo, width: 64 }))
await scheduler.schedule('count-users', { everyMs: 1_000 }, countUsers, { of: 'all' })

scheduler.on('completed', ({ task, id, result }) => console.log(`done ${task} ${id} ${JSON.stringify(result)}`))
scheduler.on('failed', ({ task, attempt, error }) => console.log(`failed ${task}, attempt ${attempt}: ${error}`))
queue.on('error', ({ error }) => console.error(error))
queue.on('state', ({ state }) => console.error(`queue ${state}`))

await scheduler.start()
console.log('ready')

await stopped
// Takes no new tasks and lets running ones finish. Tasks that have not begun stay at the broker for another worker.
await scheduler.stop({ timeoutMs: 25_000 })
await queue.disconnect()
console.log('stopped')
