import { runBundle } from '@mq/test-brokers'
import { expect, it } from 'vitest'

const program = `
import { isMqError, openQueue, queueConfigFromEnv } from '@mq/core'
import { memory } from '@mq/memory'
import { redis } from '@mq/redis'

const codeOf = (work) => work.then((queue) => queue.type, (error) => isMqError(error) ? error.code + ' ' + error.message : String(error))
const opened = async () => {
  const { url } = queueConfigFromEnv({ MQ_URL: 'redis://127.0.0.1:1' })
  const options = { connectTimeoutMs: 2_000 }
  const adapters = [memory, redis]
  const queue = await openQueue('memory:', { adapters, group: 'g', stopTimeoutMs: 60_000 })
  // Functions that recognise a handler's own calls keep their names in a minified bundle.
  await new Promise((resolve, reject) => {
    queue.subscribe('t', async () => {
      await null
      await queue.disconnect()
      resolve()
    }).then(() => queue.publish('t', 1), reject)
  })
  return [
    await codeOf(openQueue({ type: 'redis', url, ...options }, { adapters })),
    await codeOf(openQueue('redis://127.0.0.1:1')),
    queue.type,
  ]
}
opened().then((codes) => console.log(JSON.stringify(codes)))
`

it.each(['esm', 'cjs'] as const)(
  'a bundle of esbuild as %s opens queues with the adapters that are in it',
  async (format) => {
    const { stdout, stderr } = await runBundle(program, { format, package: new URL('../', import.meta.url) })
    const [withAdapters, without, embedded] = JSON.parse(stdout) as readonly string[]
    expect({ withAdapters, without, embedded, stderr }).toEqual({
      withAdapters: expect.stringMatching(/^MQ_CONNECT_(FAILED|TIMEOUT) /),
      without: expect.stringMatching(/^MQ_ADAPTER_NOT_INSTALLED .*openQueue\(url, \{ adapters: \[redis\] \}\)/),
      embedded: 'memory',
      stderr: '',
    })
  },
)
