import assert from 'node:assert/strict'
import type { Failure } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import { untilDead } from '../../kit/dead-group.js'
import { range } from '../../kit/expect.js'
import { consumeRaw, contentOf, publishCall, rawMessage } from '../../kit/raw.js'
import { attemptsOf, patience } from '../../kit/timing.js'

/** Tests what a dead letter keeps of its message. */
export const deadLetterContents: readonly ConformanceCase[] = [
  {
    id: 'DLQ-1',
    title: 'a dead message is one entry with the message as it was published and the failure as it was given',
    promises: [6, 14],
    level: 'required',
    async run(kit) {
      const adapter = await kit.connected()
      const ref = { topic: kit.topic(), group: 'g' }
      const failure: Failure = {
        reason: 'unrecoverable',
        error: { name: 'Geschäftsfehler', message: `${'ünïcode ✓ '.repeat(24)}\n"quoted"`, code: 'E_✓' },
        attempts: 7,
        firstFailedAt: 1_700_000_000_123,
        failedAt: 1_700_000_123_456,
      }
      const deliveries = await consumeRaw(adapter, ref, () => ({ kind: 'dead', failure }))
      const message = rawMessage({
        id: 'died ✓',
        source: '/another/source?with=query',
        type: 'another.type',
        time: '2024-02-29T23:59:59.123Z',
        contentType: 'application/octet-stream',
        key: 'clé-🔑',
        extensions: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', subject: 'Ünïcode' },
        headers: { Case: 'Kept', case: 'too', empty: '', number: '007' },
        body: Uint8Array.from(range(256)),
      })
      await adapter.publish(ref.topic, [message], publishCall())
      const letters = adapter.deadLetters(ref)
      const list = async () => letters.list({ limit: 10 })
      await kit.until('the dead letter', async () => (await list()).length >= 1)
      await kit.quiet(() => deliveries.length)
      const entries = await list()
      assert.equal(deliveries.length, 1)
      assert.equal(entries.length, 1)
      const [entry] = entries
      assert.ok(entry, 'the dead letter is not listed')
      assert.deepEqual(contentOf(entry.message), contentOf(message))
      assert.deepEqual(entry.failure, failure)
    },
  },
  {
    id: 'DLQ-2',
    title: 'a dead letter records reason, error and attempts, and when it failed first and last',
    promises: [6],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue()
      const text = `declined: ${'✓ '.repeat(400)}`
      const collector = await kit.collect(queue, kit.topic(), {
        handler: () => {
          throw Object.assign(new Error(text), { name: 'PaymentError', code: 'E_DECLINED' })
        },
      })
      await queue.publish(kit.topic(), { order: 7 }, { key: 'k', headers: { tenant: 'acme' } })
      const [dead] = await untilDead(kit, queue, { topic: kit.topic(), count: 1, ...patience(kit, 100, 2) })
      assert.ok(dead, 'the dead letter is not listed')
      assert.deepEqual(dead.data, { order: 7 })
      const { key, headers } = dead.message
      assert.deepEqual({ key, headers: { ...headers } }, { key: 'k', headers: { tenant: 'acme' } })
      const { reason, error, attempts, firstFailedAt, failedAt } = dead.failure
      assert.deepEqual(
        { reason, name: error.name, code: error.code, attempts },
        { reason: 'error', name: 'PaymentError', code: 'E_DECLINED', attempts: 3 },
      )
      assert.ok(
        error.message.startsWith('declined: ✓ ✓') && error.message.length <= 256,
        `the message is ${error.message}`,
      )
      const [first, second, last] = collector.runs
      assert.ok(first !== undefined && second !== undefined && last !== undefined, 'there are fewer than three runs')
      assert.deepEqual(attemptsOf(collector.runs), [1, 2, 3])
      assert.ok(
        first.startedAt <= firstFailedAt && firstFailedAt <= second.startedAt,
        `firstFailedAt is ${firstFailedAt}`,
      )
      assert.ok(last.startedAt <= failedAt && failedAt <= Date.now(), `failedAt is ${failedAt}`)
    },
  },
  {
    id: 'DLQ-3',
    title: 'a message that is dead in one group is handled in the others and dead in none of them',
    promises: [3, 6],
    level: 'required',
    async run(kit) {
      const queue = await kit.queue()
      await kit.collect(queue, kit.topic(), {
        group: 'failing',
        handler: () => {
          throw new Error('always')
        },
      })
      const other = await kit.collect(queue, kit.topic(), { group: 'other' })
      for (const number of range(5)) await queue.publish(kit.topic(), number)
      await untilDead(kit, queue, { topic: kit.topic(), group: 'failing', count: 5, ...patience(kit, 100, 2) })
      await kit.until('the other group to handle them', () => other.handled.length >= 5)
      await kit.quiet(() => other.runs.length)
      assert.equal(other.runs.length, 5, 'runs')
      assert.deepEqual(await queue.deadLetters(kit.topic(), 'other').list(), [])
      await queue.deadLetters(kit.topic(), 'other').purge()
      assert.equal((await queue.deadLetters(kit.topic(), 'failing').list()).length, 5)
    },
  },
  {
    id: 'DLQ-4',
    title: 'two dead messages with one id are two entries, each replayed on its own',
    promises: [6],
    level: 'capability',
    unless: ({ publishDedupeMs }) => (publishDedupeMs > 0 ? 'an id that was published is stored once' : undefined),
    async run(kit) {
      const queue = await kit.queue()
      let isBroken = true
      const collector = await kit.collect(queue, kit.topic(), {
        retry: false,
        handler: () => {
          if (isBroken) throw new Error('once')
        },
      })
      for (const data of ['first', 'second']) await queue.publish(kit.topic(), data, { id: 'same', key: 'k' })
      const entries = await untilDead(kit, queue, { topic: kit.topic(), count: 2 })
      const [one, two] = entries
      assert.ok(one !== undefined && two !== undefined && entries.length === 2, `there are ${entries.length} entries`)
      assert.notEqual(one.entryId, two.entryId)
      assert.deepEqual(new Set([one.data, two.data]), new Set(['first', 'second']))
      isBroken = false
      assert.deepEqual(await queue.deadLetters(kit.topic()).replay([two.entryId]), { replayed: 1 })
      await kit.until('the replay to be handled', () => collector.handled.length >= 1)
      await kit.quiet(() => collector.runs.length)
      assert.deepEqual(
        collector.handled.map(({ data }) => data),
        [two.data],
      )
      const left = await queue.deadLetters(kit.topic()).list()
      assert.deepEqual(
        left.map(({ entryId, data }) => ({ entryId, data })),
        [{ entryId: one.entryId, data: one.data }],
      )
    },
  },
  {
    id: 'DLQ-21',
    title: 'a dead letter keeps the beginning of the stack of its error, and none if it was told not to',
    promises: [6],
    level: 'required',
    async run(kit) {
      function brokenOnPurpose({ data }: { readonly data: unknown }): never {
        throw new Error(`✓ broken: ${data}`, { cause: new Error('the cause ✓') })
      }
      const stacksOf = async (topic: string, storeStacks: boolean): Promise<readonly (string | undefined)[]> => {
        const queue = await kit.queue({ storeStacks })
        await kit.collect(queue, topic, { retry: { attempts: 2 }, handler: brokenOnPurpose })
        await queue.publish(topic, 'one')
        const entries = await untilDead(kit, queue, { topic, count: 1, ...patience(kit, 100, 2) })
        return entries.map(({ failure }) => failure.error.stack)
      }
      const [stack = '', ...more] = await stacksOf(kit.topic(), true)
      assert.deepEqual(more, [])
      for (const part of ['Error: ✓ broken: one\n', 'brokenOnPurpose', 'Caused by: Error: the cause ✓\n']) {
        assert.ok(stack.includes(part), `there is no ${part} in the stack ${stack}`)
      }
      assert.ok(stack.length <= 2_048, `the stack has ${stack.length} characters`)
      assert.deepEqual(await stacksOf(kit.topic('without'), false), [undefined])
    },
  },
]
