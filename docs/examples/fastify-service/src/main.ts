import { once } from 'node:events'
import { createScheduler, openQueue, queueConfigFromEnv } from '@mq/core'
import { memoryStore } from '@mq/memory'
import { redisStore } from '@mq/redis'
import { makeInvoice } from './contracts.js'
import { createWeb } from './web.js'

const { url, options } = queueConfigFromEnv(process.env, { url: 'memory:' })
const stopped = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])

const queue = await openQueue(url, { source: '/orders', ...options })
// The store keeps the outcomes of tasks, on any broker. Several instances of this service need a Redis for it.
const redis = process.env.REDIS_URL === undefined ? undefined : redisStore({ url: process.env.REDIS_URL })
const scheduler = createScheduler(queue, { store: redis ?? memoryStore() })
// The worker may also be a separate process: `web.ts` only enqueues tasks.
await scheduler.register(makeInvoice, { concurrency: 4 })
await scheduler.start()

const web = createWeb(queue, scheduler)
await web.listen({ port: Number(process.env.PORT ?? 3000), host: process.env.HOST ?? '127.0.0.1' })

await stopped
// The web server stops first, so that requests that have begun get their answers.
await web.close()
await scheduler.stop({ timeoutMs: 20_000 })
await queue.disconnect()
await redis?.disconnect()
