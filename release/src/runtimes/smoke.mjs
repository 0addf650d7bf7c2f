// An application that uses the queue whose URL is its argument. It ends by itself, with exit code 0, if everything works as promised.
// Node and Deno must run it with --expose-gc.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { clearTimeout, setTimeout } from 'node:timers'
import { createScheduler, defineTask, openQueue, Unrecoverable } from '@mq/core'

const [url] = process.argv.slice(2)
const run = randomUUID().slice(0, 8)
const queue = await openQueue(url, { group: 'smoke' })
/** How long a step may take on a busy machine. */
const deadlineMs = 60_000
const collectGarbage = globalThis.gc ?? (() => globalThis.Bun.gc(true))
const later = () => Promise.withResolvers?.() ?? withResolvers()

await step('a message is published, consumed and retried', async () => {
  const topic = `smoke-${run}.retried`
  const seen = []
  const handled = later()
  const subscription = await queue.subscribe(
    topic,
    ({ attempt, data }) => {
      seen.push({ attempt, data })
      if (attempt === 1) throw new Error('once more')
      handled.resolve()
    },
    { retry: { attempts: 2, delayMs: 50 } },
  )
  await queue.publish(topic, { order: 7 })
  await handled.promise
  assert.deepEqual(
    seen,
    [1, 2].map((attempt) => ({ attempt, data: { order: 7 } })),
  )
  await leave(topic, subscription)
})

await step('a message dies, is listed and replayed', async () => {
  const topic = `smoke-${run}.dead`
  const [died, replayed] = [later(), later()]
  let isRepaired = false
  const subscription = await queue.subscribe(
    topic,
    ({ data }) => {
      if (!isRepaired) throw new Unrecoverable('not now')
      replayed.resolve(data)
    },
    { onLastFailure: () => died.resolve() },
  )
  await queue.publish(topic, 'letter')
  await died.promise
  const letters = queue.deadLetters(topic)
  let listed = []
  while (listed.length === 0) listed = await letters.list()
  assert.equal(listed[0].failure.error.message, 'not now')
  isRepaired = true
  assert.deepEqual(await letters.replay(), { replayed: 1 })
  assert.equal(await replayed.promise, 'letter')
  await leave(topic, subscription)
})

await step(
  'a task replies; code that a cancelled task left behind sees the abort, even after a garbage collection',
  async () => {
    const scheduler = createScheduler(queue)
    const double = defineTask({ name: `double-${run}`, execute: ({ of }) => 2 * of })
    const [begun, end, look, looked] = [later(), later(), later(), later()]
    const patient = defineTask({
      name: `patient-${run}`,
      async execute(_, { signal }) {
        look.promise.then(() => looked.resolve(signal.reason?.code))
        begun.resolve()
        await end.promise
      },
    })
    await scheduler.register(double)
    await scheduler.register(patient)
    await scheduler.start()
    assert.equal(await scheduler.run(double, { of: 21 }), 42)
    const handle = await scheduler.enqueue(patient, {}, { reply: true })
    await begun.promise
    assert.equal(await handle.cancel({ onlyRunning: true }), true)
    await assert.rejects(handle.result(), { code: 'MQ_TASK_CANCELLED' })
    end.resolve()
    for (let round = 0; round < 5; round++) {
      await new Promise(setImmediate)
      collectGarbage()
    }
    look.resolve()
    assert.equal(await looked.promise, 'MQ_TASK_CANCELLED')
    await scheduler.stop()
  },
)

await step('a handler may await the stop of its own subscription', async () => {
  const topic = `smoke-${run}.stop`
  let runs = 0
  const ended = later()
  const subscription = await queue.subscribe(topic, async () => {
    runs += 1
    await pause(10)
    await subscription.stop({ timeoutMs: 2 * deadlineMs })
    ended.resolve()
  })
  await queue.publish(topic, 'last')
  await ended.promise
  await leave(topic, subscription)
  assert.equal(runs, 1)
})

await step('disconnect resolves', () => queue.disconnect())

// It keeps nothing alive. If something else does, this process says so.
setTimeout(() => {
  console.error(`This is left open after disconnect: ${process.getActiveResourcesInfo?.() ?? 'unknown'}`)
  process.exit(1)
}, 20_000).unref()

async function step(what, work) {
  const deadline = setTimeout(() => {
    console.error(`This did not end: ${what}`)
    process.exit(1)
  }, deadlineMs)
  try {
    await work()
    clearTimeout(deadline)
    console.log(`✔ ${what}`)
  } catch (cause) {
    throw new Error(`This failed: ${what}`, { cause })
  }
}

async function leave(topic, subscription) {
  await subscription.stop()
  await queue.deleteGroup(topic, 'smoke')
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function withResolvers() {
  let [resolve, reject] = []
  const promise = new Promise((...both) => {
    ;[resolve, reject] = both
  })
  return { promise, resolve, reject }
}
