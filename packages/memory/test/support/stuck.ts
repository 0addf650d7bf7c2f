import { createQueue, createScheduler, defineTask } from '@mq/core'
import { memory } from '@mq/memory'

/** The time limit of what is stuck. A test that waits for it fails. */
const longMs = 3_600_000
const never = (): Promise<never> => new Promise(() => {})
const silent = { debug() {}, info() {}, warn() {}, error() {} }

const queue = createQueue(memory(), { group: 'g', log: silent, operationTimeoutMs: longMs, publishTimeoutMs: longMs })
await queue.connect()

/** Each one leaves something that never ends, and resolves once it has begun. */
const stuck: Readonly<Record<string, () => Promise<unknown>>> = {
  handler: () =>
    new Promise((resolve) => {
      const handler = (): Promise<never> => {
        resolve(undefined)
        return never()
      }
      void queue.subscribe('t', handler, { timeoutMs: longMs }).then(() => queue.publish('t', 1))
    }),
  onLastFailure: () =>
    new Promise((resolve) => {
      const handler = (): never => {
        throw new Error('no')
      }
      const onLastFailure = (): Promise<never> => {
        resolve(undefined)
        return never()
      }
      void queue.subscribe('t', handler, { retry: false, onLastFailure }).then(() => queue.publish('t', 1))
    }),
  task: () =>
    new Promise((resolve) => {
      const scheduler = createScheduler(queue)
      const execute = (): Promise<never> => {
        resolve(undefined)
        return never()
      }
      const task = defineTask({ name: 't', timeoutMs: longMs, execute })
      void (async () => {
        await scheduler.register(task)
        await scheduler.start()
        await scheduler.enqueue(task, null)
      })()
    }),
  reply: async () => {
    const scheduler = createScheduler(queue, { replyTimeoutMs: longMs })
    const task = defineTask({ name: 't', execute: never })
    const handle = await scheduler.enqueue(task, null, { reply: true })
    handle.result().catch(() => {})
  },
  retry: () =>
    new Promise((resolve) => {
      queue.on('settled', resolve)
      const handler = (): never => {
        throw new Error('no')
      }
      void queue.subscribe('t', handler, { retry: { delayMs: longMs } }).then(() => queue.publish('t', 1))
    }),
  schema: async () => {
    const validate = (): Promise<never> => never()
    const schema = { '~standard': { version: 1 as const, vendor: 'test', validate } }
    void queue.publish({ name: 't', schema }, 1).catch(() => {})
  },
}

await stuck[process.argv[2] ?? '']?.()
await queue.disconnect({ timeoutMs: 100 })
process.send?.('disconnected')
