import { defineForeignTopic, openQueue } from '@mq/core'
import { z } from 'zod'

const { OLD_URL = 'amqp://localhost:5672' } = process.env
const schema = z.object({ order: z.string() })
const old = defineForeignTopic('orders-old', { at: 'shop_orders', decode: 'json', schema })

// The queue is consumed as it is. Publishers move to `order.paid` one by one, and both lead to the same handler.
const queue = await openQueue(OLD_URL, { group: 'shipping' })
const ship = ({ data }: { readonly data: { readonly order: string } }): void => console.log(`shipping ${data.order}`)
await queue.subscribe(old, ship, { concurrency: 10 })
await queue.subscribe<{ order: string }, { order: string }>({ name: 'order.paid', schema }, ship, { concurrency: 10 })
console.log('ready')
process.once('SIGTERM', () => void queue.disconnect())
