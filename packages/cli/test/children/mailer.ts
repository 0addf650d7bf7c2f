import { type Adapter, createQueue } from '@mq/core'
import { kafka } from '@mq/kafka'
import { rabbitmq } from '@mq/rabbitmq'
import { redis } from '@mq/redis'
import { report } from '@mq/test-brokers'

/** Sends mails, and does badly with those whose address says so. It reports each before it begins. */
const [url = '', topic = ''] = process.argv.slice(2)
const write = (): void => {}
const log = { debug: write, info: write, warn: write, error: write }

function adapterFor(): Adapter {
  if (url.startsWith('redis')) return redis({ url })
  return url.startsWith('amqp') ? rabbitmq({ url }) : kafka({ url, partitions: 1 })
}

const queue = createQueue(adapterFor(), { group: 'mailer', log })
await queue.connect()
await queue.subscribe(
  topic,
  async ({ data }) => {
    const { to } = data as { to: string }
    await report(to)
    if (to === 'stuck') await new Promise(() => {})
    if (to === 'refused') throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    if (to === 'busy') throw Object.assign(new Error('451 try again later'), { code: 'EBUSY' })
    if (to === 'kills') process.kill(process.pid, 'SIGKILL')
  },
  {
    concurrency: 2,
    retry: {
      attempts: 2,
      delayMs: 50,
      rules: [{ match: 'EBUSY', retry: { delayMs: 3_600_000, maxDelayMs: 3_600_000, jitter: 'none' } }],
    },
  },
)
await report('consumes')
