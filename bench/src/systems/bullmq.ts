import { Queue, Worker } from 'bullmq'
import type { OpenSystem } from '../system.js'

/** Uses BullMQ as its documentation shows. Finished jobs are removed, as ours are, so that Redis does not fill up. */
export const open: OpenSystem = async ({ url, topic, concurrency }) => {
  const connection = { url }
  const queue = new Queue(topic, { connection })
  await queue.waitUntilReady()
  let worker: Worker | undefined
  return {
    async publish(body) {
      await queue.add('job', body, { removeOnComplete: true, removeOnFail: true })
    },
    async consume(handler) {
      worker = new Worker(topic, async ({ data }) => handler(data), {
        connection,
        concurrency,
      })
      worker.on('error', (error) => console.error(error.message))
      await worker.waitUntilReady()
    },
    async close() {
      await worker?.close()
      await queue.close()
    },
  }
}
