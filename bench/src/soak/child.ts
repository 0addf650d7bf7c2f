// Publishes and consumes over a link with faults. Must be started with --expose-gc.
import { isMqError, openQueue, Unrecoverable } from '@mq/core'
import { onMessage, report } from '@mq/test-brokers'
import { fateOf, group, type Job, type Order, type Said } from './plan.js'

const job = JSON.parse(process.argv[2] ?? '{}') as Job
const tickMs = 100
let said: { stored: number[]; unknown: number[]; ran: number[] } = { stored: [], unknown: [], ran: [] }
let next = 0
/** A consumer that publishes nothing may be killed at any time, so it reports a message before it acknowledges it. */
const mayBeKilled = job.perSecond === 0
let isQuiet = mayBeKilled

const tell = (fields: Said): Promise<void> => report(fields)

const queue = await openQueue(job.url, { group, publishTimeoutMs: 30_000, maxPendingMessages: 5_000 })
queue.on('state', ({ state }) => void tell({ state }))
queue.on('data-loss', ({ reason }) => void tell({ problem: `data-loss: ${reason}` }))
// Errors while the link is cut are expected, and would fill the screen.
queue.on('error', () => {})

await queue.subscribe(
  job.topic,
  async ({ data, attempt }) => {
    const number = data as number
    const fate = fateOf(number)
    if (fate === 'retried' && attempt === 1) throw new Error('once')
    if (mayBeKilled) await tell({ ran: [number] })
    else said.ran.push(number)
    if (fate === 'dead') throw new Unrecoverable('as planned')
  },
  { concurrency: 50, retry: { attempts: 20, backoff: 'fixed', delayMs: 500, jitter: 'none' } },
)

async function publish(number: number): Promise<void> {
  try {
    await queue.publish(job.topic, number, { id: String(number) })
    said.stored.push(number)
  } catch (error) {
    if (isMqError(error, 'MQ_PUBLISH_UNKNOWN')) said.unknown.push(number)
    else if (!isMqError(error, 'MQ_PUBLISH_REJECTED') && !isMqError(error, 'MQ_BACKPRESSURE')) {
      await tell({ problem: `a publish rejected with ${String(error)}` })
    }
  }
}

function publishSome(): void {
  if (isQuiet) return
  for (let count = 0; count < (job.perSecond * tickMs) / 1_000; count++) void publish(next++)
}

async function flush(): Promise<void> {
  const batch = said
  said = { stored: [], unknown: [], ran: [] }
  if (batch.stored.length + batch.unknown.length + batch.ran.length > 0) await tell(batch)
}

setInterval(publishSome, tickMs)
setInterval(() => void flush(), tickMs)

onMessage(async (message) => {
  const order = message as Order
  if (order === 'quiet') isQuiet = true
  if (order !== 'measure') return
  ;(globalThis as { gc?: () => void }).gc?.()
  const sockets = process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
  await tell({ memory: { heapMiB: process.memoryUsage().heapUsed / 2 ** 20, sockets } })
})
await tell({ state: 'ready' })
