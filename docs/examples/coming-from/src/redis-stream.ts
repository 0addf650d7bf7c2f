import { defineForeignTopic, openQueue } from '@mq/core'
import { Redis } from 'ioredis'

const { OLD_URL = 'redis://localhost:6379' } = process.env
const orders = defineForeignTopic<{ order: string }>('orders', { at: 'shop_orders' })

// The old consumers are stopped, and nothing of theirs is pending. This group begins where they ended.
const old = new Redis(OLD_URL)
const groups = (await old.xinfo('GROUPS', 'shop_orders')) as readonly (readonly unknown[])[]
const group = groups.find(([, name]) => name === 'shipping') ?? []
const field = (name: string): unknown => group[group.indexOf(name) + 1]
if (Number(field('pending')) > 0) throw new Error('the old consumers have not finished')
await old.xgroup('CREATE', 'shop_orders', 'mq:orders:shipping', String(field('last-delivered-id')))
old.disconnect()

const queue = await openQueue(OLD_URL, { group: 'shipping' })
await queue.subscribe(orders, ({ data }) => console.log(`shipping ${data.order}`))
process.once('SIGTERM', () => void queue.disconnect())
