import { openQueue, type QueueAddress } from '@mq/core'
import { forward } from '@mq/core/adapter'
import { createOutbox } from '@mq/postgres'
import { report } from '@mq/test-brokers'

/** Relays an outbox, and stands still after the step that is named: when rows were read, or when the broker has stored them. */
const [url = '', schema = '', address = '{}', last = ''] = process.argv.slice(2)
const step = async (name: string): Promise<void> => {
  await report(name)
  if (name === last) await new Promise(() => setInterval(() => {}, 1_000))
}
const queue = await openQueue(JSON.parse(address) as QueueAddress)
const outbox = createOutbox({ url, schema })
await outbox.connect()
await step('connected')
/** The queue, but its messages pass the steps. */
const watched = Object.create(queue, {
  [Symbol.for('@mq/core forward 1')]: {
    async value(...given: [string, never, object]) {
      await step('read')
      const outcomes = await forward(queue, ...given)
      await step('stored')
      return outcomes
    },
  },
})
await outbox.relay(watched)
await report('relaying')
