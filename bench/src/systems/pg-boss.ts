import PgBoss from 'pg-boss'
import type { Body, OpenSystem } from '../system.js'

/** Uses pg-boss as its documentation shows. It has no number of handlers: a worker takes a batch, and polls for the next one. */
export const open: OpenSystem = async ({ url, topic, concurrency }) => {
  const boss = new PgBoss(url)
  boss.on('error', (error) => console.error(error.message))
  await boss.start()
  await boss.createQueue(topic)
  return {
    publish: async (body) => void (await boss.send(topic, body)),
    async consume(handler) {
      const options = { batchSize: concurrency, pollingIntervalSeconds: 0.5 }
      await boss.work<Body>(topic, options, async (jobs) => {
        for (const { data } of jobs) handler(data)
      })
    },
    close: () => boss.stop({ graceful: false, wait: true }),
  }
}
