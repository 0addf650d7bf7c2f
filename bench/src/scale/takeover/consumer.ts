// Consumes as its job says, and reports each run before it goes on, so that a SIGKILL hides none.
import { setTimeout as sleep } from 'node:timers/promises'
import { openQueue } from '@mq/core'
import { report } from '@mq/test-brokers'
import type { Data, Job, Said } from './plan.js'

const job = JSON.parse(process.argv[2] ?? '{}') as Job
const tell = (said: Said): Promise<void> => report(said)
/** The longest time for which a first run may have waited. A later run, of a message that was taken over, does not stall again. */
const freshMs = 5_000

const queue = await openQueue(job.url)
// The broker stands still now and then, and other consumers die.
queue.on('error', () => {})
await queue.subscribe<Data, Data>(job.topic, async ({ data }) => await handle(data), {
  group: job.group,
  concurrency: job.concurrency,
})

async function handle({ number, stall }: Data): Promise<void> {
  await tell({ type: 'began', number, at: Date.now() })
  if (stall !== undefined) {
    const isFirst = Date.now() - stall.since < Math.min(freshMs, stall.ms)
    if (isFirst) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, stall.ms)
  } else if (job.handlerMs === undefined) {
    await new Promise(() => {})
  } else {
    await sleep(job.handlerMs)
  }
  await tell({ type: 'ended', number, at: Date.now() })
}

process.once('SIGTERM', async () => {
  await queue.disconnect()
  process.exit(0)
})
await tell({ type: 'ready' })
