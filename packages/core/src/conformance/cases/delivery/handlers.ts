import assert from 'node:assert/strict'
import { type Message, Unrecoverable } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import { sorted } from '../../kit/expect.js'

/** Objects that throw on every access. */
const hostile = new Proxy({}, { get: () => assert.fail('looked at'), getPrototypeOf: () => assert.fail('looked at') })

const thrown: readonly unknown[] = [
  new Error('an error'),
  new Error(`\r\nX-Injected: 1\u0000 ünïcode ✓ \uD800 ${'long '.repeat(2_000)}`),
  Object.freeze(new TypeError('frozen')),
  new AggregateError([new Error('inside')], ''),
  undefined,
  null,
  '',
  'a text',
  0,
  12n,
  Symbol('a symbol'),
  { name: 1, message: { no: 'text' }, code: [] },
  () => 'a function',
  hostile,
]

const returned: readonly unknown[] = [
  null,
  false,
  0,
  '',
  Number.NaN,
  new Error('returned, not thrown'),
  { kind: 'retry', delayMs: 0 },
  { kind: 'dead' },
  { kind: 'release' },
  [],
  Promise.resolve('later'),
  // biome-ignore lint/suspicious/noThenProperty: the case needs a thenable that is not a promise
  { then: (resolve: (value: unknown) => void) => resolve(false) },
  () => {
    throw new Error('a function is not called')
  },
]

/** Tests that a handler affects only itself and its own message. */
export const deliveryHandlers: readonly ConformanceCase[] = [
  {
    id: 'DEL-6',
    title:
      'any value thrown by a handler, synchronously or later, retries only that message, and the consumer continues',
    promises: [4, 5],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const queue = await kit.queue()
      const attempts = new Map<string, number[]>()
      let runs = 0
      // Not async, so that half of the errors are thrown synchronously.
      await queue.subscribe(kit.topic(), (message) => {
        runs += 1
        attempts.set(message.id, [...(attempts.get(message.id) ?? []), message.attempt])
        const { index, later } = message.data as { readonly index: number; readonly later: boolean }
        if (message.attempt > 1) return undefined
        if (later) return Promise.reject(thrown[index])
        throw thrown[index]
      })
      const data = thrown.flatMap((_, index) => [
        { index, later: false },
        { index, later: true },
      ])
      await queue.publishAll(kit.topic(), data)
      await kit.until(
        () => `two runs of ${data.length} messages; there were ${runs} runs in all`,
        () => runs >= 2 * data.length,
        { timeoutMs: 20_000 + 2 * kit.capabilities.delayResolutionMs },
      )
      await kit.quiet(() => runs)
      assert.deepEqual(
        [...attempts.values()],
        data.map(() => [1, 2]),
      )
      assert.deepEqual(await queue.deadLetters(kit.topic()).list(), [])
    },
  },
  {
    id: 'DEL-7',
    title: 'any return value of a handler acknowledges the message',
    promises: [4],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue()
      const indices: number[] = []
      await queue.subscribe(kit.topic(), ({ data }) => {
        indices.push(data as number)
        return returned[data as number]
      })
      await queue.publishAll(kit.topic(), [...returned.keys()])
      await kit.until('each message once', () => indices.length >= returned.length)
      await kit.quiet(() => indices.length)
      assert.deepEqual(
        indices.sort((a, b) => a - b),
        [...returned.keys()],
      )
      assert.deepEqual(await queue.deadLetters(kit.topic()).list(), [])
    },
  },
  {
    id: 'DEL-8',
    title: 'changes that a handler makes to its message reach no other group, no later attempt and no dead letter',
    promises: [3, 5, 6],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const [queue, topic] = [await kit.queue(), kit.topic()]
      const intact = ['010203', '{"text":"intact","list":[1,2,3]}']
      const spoiling: string[] = []
      const open: unknown[] = []
      await kit.collect(queue, topic, {
        group: 'spoiling',
        handler: (message) => {
          spoiling.push(`${shown(message)} ${message.attempt}`)
          open.push(...[message, message.headers, message.extensions].filter((part) => !Object.isFrozen(part)))
          spoil(message)
          throw message.attempt === 1 ? new Error('once more') : new Unrecoverable('enough')
        },
      })
      const others = [
        await kit.collect(queue, topic, { group: 'other' }),
        await kit.collect(await kit.queue(), topic, { group: 'elsewhere' }),
      ]
      await queue.publish(topic, { text: 'intact', list: [1, 2, 3] }, { headers: { tenant: '42' } })
      await queue.publish(topic, Uint8Array.of(1, 2, 3), { headers: { tenant: '42' } })

      let dead: readonly string[] = []
      await kit.until('all groups to end', async () => {
        dead = (await queue.deadLetters(topic, 'spoiling').list()).map(({ data }) => contentOf(data))
        return dead.length >= 2 && others.every(({ handled }) => handled.length >= 2)
      })
      const whole = intact.map((content) => `${content} {"tenant":"42"} in time`)
      assert.deepEqual(sorted(spoiling), sorted(whole.flatMap((one) => [`${one} 1`, `${one} 2`])))
      for (const { runs } of others) assert.deepEqual(sorted(runs.map((run) => shown(run.message))), sorted(whole))
      assert.deepEqual(sorted(dead), intact)
      for (const { message } of await queue.deadLetters(topic, 'spoiling').list()) message.body.fill(0)
      const again = await queue.deadLetters(topic, 'spoiling').list()
      assert.deepEqual(sorted(again.map(({ data }) => contentOf(data))), intact, 'what is listed is not a copy')
      assert.deepEqual(open, [], 'a message, its headers or its extensions were not frozen')
    },
  },
]

const contentOf = (data: unknown): string =>
  data instanceof Uint8Array ? Buffer.from(data).toString('hex') : JSON.stringify(data)

const shown = ({ data, headers, time }: Message): string =>
  `${contentOf(data)} ${JSON.stringify(headers)} ${time.getTime() > 0 ? 'in time' : 'at no time'}`

/** Changes everything in the message that can be changed. */
function spoil(message: Message): void {
  const { data, time } = message
  time.setTime(0)
  if (data instanceof Uint8Array) {
    data.fill(0)
    return
  }
  const content = data as { text: string; list: number[] }
  content.text = 'spoiled'
  content.list.push(4)
}
