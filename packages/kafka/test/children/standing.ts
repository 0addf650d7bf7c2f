import { createQueue } from '@mq/core'
import { kafka } from '@mq/kafka'
import { onMessage, report } from '@mq/test-brokers'

export type StandingReport = { readonly type: 'ready' } | { readonly type: 'began' | 'ended'; readonly id: string }

/** A consumer of the group `g` with default times, whose handler holds the event loop for the milliseconds in the message. */
const [url = '', topic = '', options = '{}'] = process.argv.slice(2)
const queue = createQueue(kafka({ url, partitions: 1, ...(JSON.parse(options) as object) }), { group: 'g' })
queue.on('error', () => {})
await queue.connect()
await queue.subscribe<{ readonly holdMs: number }, { readonly holdMs: number }>(topic, async ({ id, data }) => {
  await report({ type: 'began', id } satisfies StandingReport)
  const endsAt = performance.now() + data.holdMs
  while (performance.now() < endsAt);
  await report({ type: 'ended', id } satisfies StandingReport)
})
onMessage(async () => {
  await queue.disconnect({ timeoutMs: 5_000 })
  process.channel?.unref()
})
await report({ type: 'ready' } satisfies StandingReport)
