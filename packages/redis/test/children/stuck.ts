import { createQueue, type SubscribeOptions } from '@mq/core'
import { redis, redisStore } from '@mq/redis'

/** The time limit of everything that waits. A test that waits for it fails. */
const longMs = 3_600_000
const never = (): Promise<never> => new Promise(() => {})
const silent = { debug() {}, info() {}, warn() {}, error() {} }

const [url = '', topic = '', what = ''] = process.argv.slice(2)
const queue = createQueue(redis({ url, visibilityMs: longMs, commandTimeoutMs: longMs, connectTimeoutMs: longMs }), {
  group: 'g',
  log: silent,
  operationTimeoutMs: longMs,
  publishTimeoutMs: longMs,
})
await queue.connect()

/** Unlike `report`, it does not keep the process alive for its parent. */
const report = (what: string): unknown => process.send?.(what)

/** The parent breaks the link now, and then lets this process go on. */
async function whileBroken(work: () => unknown): Promise<void> {
  report('begun')
  await new Promise<unknown>((resolve) => process.once('message', resolve))
  void work()
}

/** Subscribes a handler that is called once, and resolves with a function that lets it end. */
function running(options: SubscribeOptions = {}): Promise<() => void> {
  return new Promise((resolve) => {
    const handler = (): Promise<void> => new Promise((end) => resolve(end))
    void queue.subscribe(topic, handler, options).then(() => queue.publish(topic, 1, { key: 'k' }))
  })
}

/** Each one leaves something that does not end, and resolves once it has begun. */
const stuck: Readonly<Record<string, () => Promise<unknown>>> = {
  handler: () => running(),
  'handler with a time limit': () => running({ timeoutMs: longMs }),
  'ordered handler': () => running({ ordered: true }),
  'ephemeral handler': () => running({ ephemeral: true }),
  retry: () =>
    new Promise((resolve) => {
      queue.on('settled', resolve)
      const retry = { delayMs: longMs }
      const handler = (): never => {
        throw new Error('no')
      }
      void queue.subscribe(topic, handler, { retry }).then(() => queue.publish(topic, 1))
    }),
  'handler on a broken link': async () => {
    await running()
    await whileBroken(() => {})
  },
  'settlement on a broken link': async () => {
    const end = await running()
    await whileBroken(end)
  },
  'publish on a broken link': () => whileBroken(() => queue.publish(topic, 1).catch(() => {})),
  'call of a store on a broken link': async () => {
    const store = redisStore({ url, commandTimeoutMs: longMs, connectTimeoutMs: longMs })
    await store.get('k')
    await whileBroken(() => store.get('k').catch(() => {}))
    await store.disconnect()
  },
  'subscribe on a broken link': () => whileBroken(() => queue.subscribe(topic, never).catch(() => {})),
}

await stuck[what]?.()
await queue.disconnect({ timeoutMs: 500 })
report('disconnected')
