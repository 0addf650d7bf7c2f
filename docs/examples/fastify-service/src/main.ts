import { once } from 'node:events'
import { createScheduler, openQueue, queueConfigFromEnv } from '@mq/core'
import { memoryStore } from '@mq/memory'
import { redisStore } from '@mq/redis'
import { makeInvoice } from './contracts.js'
import { createWeb } from './web.js'

const { url, options } = queueConfigFromEnv(process.env, { url: 'memory:' })
const stopped = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])

const queue = await openQueue(url, { source: '/orders', ...options })
// Where outcomes are kept, whatever the broker: in Redis, once there is more than one instance of this service.
const redis = process.env.REDIS_URL === undefined ? undefined : redisStore({ url: process.env.REDIS_URL })
const scheduler = createScheduler(queue, { store: redis ?? memoryStore() })
// Or in a process of its own: `web.ts` only asks.
await scheduler.register(makeInvoice, { concurrency: 4 })
await scheduler.start()

const web = createWeb(queue, scheduler)
await web.listen({ port: Number(process.env.PORT ?? 3000), host: '127.0.0.1' })

await stopped
// First those who ask: requests that have begun get their answers.
await web.close()
await scheduler.stop({ timeoutMs: 20_000 })
await queue.disconnect()
await redis?.disconnect()
