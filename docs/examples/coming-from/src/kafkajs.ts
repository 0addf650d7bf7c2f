import { defineForeignTopic, openQueue } from '@mq/core'

const { OLD_URL = 'kafka://localhost:9092', STEP } = process.env
const orders = defineForeignTopic<{ order: string }>('orders', { at: 'shop_orders', decode: 'json' })
const queue = await openQueue(OLD_URL, { group: 'shipping' })

if (STEP === 'declare') {
  // While the old consumers still run: from here on nothing is lost to this group.
  await queue.declareGroup(orders, 'shipping', { startFrom: 'latest' })
  await queue.disconnect()
} else {
  // Once the old consumers have gone past that place and are stopped.
  await queue.subscribe(orders, ({ data }) => console.log(`shipping ${data.order}`))
  process.once('SIGTERM', () => void queue.disconnect())
}
