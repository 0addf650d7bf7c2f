import { setTimeout as pause } from 'node:timers/promises'
import { defineEvent, openQueue, queueConfigFromEnv } from '@mq/core'
import { z } from 'zod'

const orderPaid = defineEvent('order.paid', {
  schema: z.object({ customer: z.string(), order: z.int() }),
  key: ({ customer }) => customer,
})
const reminder = defineEvent('reminder', { schema: z.object({ notBefore: z.iso.datetime() }) })

// Only this line depends on the broker. MQ_URL is a URL such as memory:, amqp://..., redis://... or kafka://...
const { url, options } = queueConfigFromEnv(process.env, { url: 'memory:' })
const queue = await openQueue(url, options)

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const startedAt = Date.now(); !(await holds()); await pause(20)) {
    if (Date.now() - startedAt > 60_000) throw new Error(`Waited a minute for ${what}`)
  }
}

const shipped: Record<string, number[]> = { ada: [], bob: [] }
const shipping = await queue.subscribe(orderPaid, ({ data }) => void shipped[data.customer]?.push(data.order), {
  group: 'shipping',
  concurrency: 10,
  ordered: true,
})

const labels: string[] = []
let isSpellable = false
const printing = await queue.subscribe(
  orderPaid,
  ({ data: { customer, order }, attempt }) => {
    if (customer === 'ada' && order === 1 && attempt < 3) throw new Error('out of paper')
    if (customer === 'bob' && order === 2 && !isSpellable) throw new Error('the printer cannot spell this')
    labels.push(`${customer} ${order}${attempt > 1 ? ` in attempt ${attempt}` : ''}`)
  },
  { group: 'labels', concurrency: 10, retry: { attempts: 3, delayMs: 100, backoff: 'fixed' } },
)

const reminders: string[] = []
const reminding = await queue.subscribe(
  reminder,
  ({ data }) => void reminders.push(Date.now() < Date.parse(data.notBefore) ? 'early' : 'not early'),
  { group: 'reminders' },
)

const orders = [1, 2, 3].flatMap((order) => [
  { customer: 'ada', order },
  { customer: 'bob', order },
])
await queue.publishAll(orderPaid, orders)
await queue.publish(reminder, { notBefore: new Date(Date.now() + 500).toISOString() }, { delayMs: 500 })
const dead = queue.deadLetters(orderPaid, 'labels')
const count = () => [shipped.ada, shipped.bob, labels, reminders].map((list) => list?.length).join()
await until('everything to arrive', async () => count() === '3,3,5,1' && (await dead.list()).length === 1)

console.log('shipped to ada:', ...(shipped.ada ?? []))
console.log('shipped to bob:', ...(shipped.bob ?? []))
console.log('labels:', labels.sort().join(', '))
console.log('reminders:', ...reminders)

for (const { data, failure } of await dead.list()) {
  console.log('dead letter:', JSON.stringify(data), `after ${failure.attempts} attempts: ${failure.error.message}`)
}
isSpellable = true
console.log('replayed:', await dead.replay())
await until('the last label', () => labels.length === 6)
console.log('labels:', labels.sort().join(', '))

// Removes everything, so that the next run prints the same.
await Promise.all([shipping, printing, reminding].map((subscription) => subscription.stop()))
await queue.deleteGroup(orderPaid, 'shipping')
await queue.deleteGroup(orderPaid, 'labels')
await queue.deleteGroup(reminder, 'reminders')
await queue.disconnect()
