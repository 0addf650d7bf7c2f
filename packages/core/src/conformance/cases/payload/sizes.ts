import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { type Capabilities, Unrecoverable } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import { untilDead } from '../../kit/dead-group.js'
import { range, rejection } from '../../kit/expect.js'
import type { Kit } from '../../kit/kit.js'
import { attemptsOf, patience } from '../../kit/timing.js'

const tooLargeToTry = ({ maxMessageBytes }: Capabilities): string | undefined =>
  maxMessageBytes > 16 * 1024 * 1024 ? `its limit of ${maxMessageBytes} bytes is too large to be tried` : undefined

/** Tests large messages and the size limit. */
export const payloadSizes: readonly ConformanceCase[] = [
  {
    id: 'PAY-4',
    title: 'a message at the size limit arrives identical; one byte more is refused, and later messages are accepted',
    promises: [14],
    level: 'required',
    unless: tooLargeToTry,
    async run(kit) {
      const queue = await kit.queue()
      const collector = await kit.collect(queue, kit.topic())
      const atLimit = largest(kit)
      const beyond = new Uint8Array(atLimit.body.byteLength + 1)
      await rejection(queue.publish(kit.topic(), beyond, atLimit.options), 'MQ_MESSAGE_TOO_LARGE')
      await queue.publish(kit.topic(), atLimit.body, atLimit.options)
      await queue.publish(kit.topic(), 'after', { id: 'after' })
      await kit.until('both messages', () => collector.handled.length >= 2, { timeoutMs: 20_000 })
      await kit.quiet(() => collector.runs.length)
      assert.equal(collector.runs.length, 2, 'runs')
      const arrived = collector.runs.find(({ id }) => id === atLimit.options.id)?.message
      assert.equal(digest(arrived?.data), digest(atLimit.body))
      assert.deepEqual({ ...arrived?.headers }, atLimit.options.headers)
      assert.equal(arrived?.key, atLimit.options.key)
    },
  },
  {
    id: 'PAY-5',
    title:
      'a message at the size limit can be delayed, retried, dead-lettered and replayed, with all that is recorded about it',
    promises: [5, 6, 7, 14],
    level: 'required',
    unless: tooLargeToTry,
    timeoutMs: 60_000,
    async run(kit) {
      const queue = await kit.queue()
      const digests: string[] = []
      const collector = await kit.collect(queue, kit.topic(), {
        handler: ({ data, attempt }) => {
          digests.push(digest(data))
          if (digests.length > 3) return
          const text = 'x'.repeat(1_000)
          throw attempt < 3 ? new Error(text) : new Unrecoverable(text)
        },
      })
      const { body, options } = largest(kit)
      const delayMs = Math.min(200, kit.capabilities.maxDelayMs)
      await queue.publish(kit.topic(), body, { ...options, delayMs })
      const wait = patience(kit, 500, 3)
      const [dead] = await untilDead(kit, queue, { topic: kit.topic(), count: 1, ...wait })
      assert.ok(dead, 'the dead letter is not listed')
      assert.equal(digest(dead.message.body), digest(body))
      assert.deepEqual({ ...dead.message.headers }, options.headers)
      await queue.deadLetters(kit.topic()).replay([dead.entryId])
      await kit.until('the replay to be handled', () => collector.handled.length >= 1, wait)
      await kit.quiet(() => collector.runs.length)
      assert.deepEqual(attemptsOf(collector.runs), [1, 2, 3, 1])
      assert.deepEqual(new Set(digests), new Set([digest(body)]))
    },
  },
  {
    id: 'PAY-6',
    title: 'large messages among small ones arrive identical, and none is lost',
    promises: [14],
    level: 'required',
    unless: tooLargeToTry,
    timeoutMs: 60_000,
    async run(kit) {
      const queue = await kit.queue()
      const seen = new Map<string, string[]>()
      const collector = await kit.collect(queue, kit.topic(), {
        concurrency: 20,
        handler: ({ id, data }) => void seen.set(id, [...(seen.get(id) ?? []), digest(data)]),
      })
      const largeBytes = Math.floor(kit.capabilities.maxMessageBytes / 2)
      const bodies = range(210).map((index) => randomBytes(index % 21 === 0 ? largeBytes : 1 + (index % 50)))
      await Promise.all(bodies.map((body, index) => queue.publish(kit.topic(), body, { id: `m-${index}` })))
      await kit.until(
        () => `210 messages; ${collector.handled.length} came`,
        () => collector.handled.length >= 210,
        { timeoutMs: 40_000 },
      )
      await kit.quiet(() => collector.runs.length)
      for (const [index, body] of bodies.entries()) assert.deepEqual(seen.get(`m-${index}`), [digest(body)])
    },
  },
]

const digest = (data: unknown): string =>
  data instanceof Uint8Array ? createHash('sha256').update(data).digest('hex') : `no bytes, ${typeof data}`

/** Creates a message whose body, header, key and id together have exactly the allowed number of bytes. */
function largest(kit: Kit) {
  const options = { id: 'at the limit', key: 'its key', headers: { name: 'its value' } }
  const others = options.id.length + options.key.length + 'name'.length + options.headers.name.length
  return { body: randomBytes(kit.capabilities.maxMessageBytes - others), options }
}
