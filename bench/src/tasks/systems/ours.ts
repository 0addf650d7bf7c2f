import { createScheduler, defineTask, openQueue } from '@mq/core'
import type { OpenAsker } from '../asker.js'

/** Opens a worker and a caller, each with its own connection. They share the embedded broker by its name. */
export const open: OpenAsker = async ({ url, name, concurrency }) => {
  const target = url === 'memory:' ? `memory://${name}` : url
  const [working, asking] = [await openQueue(target), await openQueue(target)]
  const task = defineTask({ name, execute: ({ text }: { text: string }) => ({ text }) })
  const worker = createScheduler(working)
  await worker.register(task, { concurrency })
  await worker.start()
  const asker = createScheduler(asking)
  return {
    run: (input) => asker.run(task, input),
    async close() {
      await asker.stop()
      await worker.stop({ timeoutMs: 1_000 })
      await Promise.all([working, asking].map((queue) => queue.disconnect({ timeoutMs: 1_000 })))
    },
  }
}
