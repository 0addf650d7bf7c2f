import { Queue, QueueEvents, Worker } from 'bullmq'
import type { OpenAsker } from '../asker.js'

/** Uses BullMQ as its documentation shows: `waitUntilFinished` with the events of the queue. The latest jobs are kept for that. */
export const open: OpenAsker = async ({ url, name, concurrency }) => {
  const connection = { url }
  const worker = new Worker(name, async ({ data }) => ({ text: data.text }), { connection, concurrency })
  worker.on('error', (error) => console.error(error.message))
  const queue = new Queue(name, { connection })
  const events = new QueueEvents(name, { connection })
  await Promise.all([worker.waitUntilReady(), queue.waitUntilReady(), events.waitUntilReady()])
  return {
    async run(input) {
      const job = await queue.add('job', input, { removeOnComplete: 1_000, removeOnFail: true })
      return job.waitUntilFinished(events, 30_000)
    },
    async close() {
      await worker.close()
      await events.close()
      await queue.close()
    },
  }
}
