import { brokers, runBundle, shared } from '@mq/test-brokers'
import { describe, expect, it } from 'vitest'

const program = (url: string): string => `
import { openQueue } from '@mq/core'
import { kafka } from '@mq/kafka'

const run = async () => {
  const queue = await openQueue({ type: 'kafka', url: ${JSON.stringify(url)}, partitions: 1 }, { adapters: [kafka], group: 'g' })
  const { id } = await queue.publish('bundle.' + process.pid, { a: 1 }, { key: 'k' })
  const handled = new Promise((resolve) => {
    queue.subscribe('bundle.' + process.pid, (message) => resolve(message), { startFrom: 'earliest' })
  })
  const { data, key, id: seen } = await handled
  const { maxStallMs } = queue.health()
  await queue.disconnect()
  return { type: queue.type, data, key, isSame: seen === id, maxStallMs }
}
run().then((result) => console.log(JSON.stringify(result)))
`

describe.skipIf(!brokers.wanted('kafka')).each(['esm', 'cjs'] as const)('a bundle of esbuild as %s', (format) => {
  it('publishes and consumes without any package beside it, and says that it has no thread', async () => {
    const { url } = await shared('kafka')
    const { stdout, stderr } = await runBundle(program(url), { format, package: new URL('../', import.meta.url) })
    const result = { type: 'kafka', data: { a: 1 }, key: 'k', isSame: true, maxStallMs: 30_000 }
    expect(JSON.parse(stdout)).toEqual(result)
    expect(stderr).toBe('')
  })
})
