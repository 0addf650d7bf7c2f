import assert from 'node:assert/strict'
import { isMqError } from '../../index.js'
import type { Chapter } from '../kit/case.js'
import { range, rejection, sorted, timed } from '../kit/expect.js'
import { consumeOptions, done, publishCall, rawMessage } from '../kit/raw.js'
import { sleep } from '../kit/wait.js'
import { publishInFlight } from './publish-in-flight.js'

/** The time by which a publish may exceed its timeout on a busy machine: core's own second of grace, and a reserve. */
const graceMs = 3_000

export const publish: Chapter = {
  name: 'publish',
  cases: [
    {
      id: 'PUB-1',
      title: 'messages published before there is any consumer wait in the declared group',
      promises: [1, 2],
      level: 'required',
      async run(kit) {
        const queue = await kit.queue()
        const ledger = kit.ledger(kit.topic())
        await queue.declareGroup(kit.topic(), 'g')
        await ledger.publish(queue, { count: 50 })
        assert.equal(ledger.published.size, 50, 'published messages')
        const { ready } = await queue.stats(kit.topic(), 'g')
        assert.ok(ready === undefined || ready === 50, `stats count ${ready} ready messages, not 50`)
        await queue.disconnect()
        const later = await kit.queue()
        await ledger.collect(later)
        await ledger.check({ queue: later, duplicates: 0 })
      },
    },
    {
      id: 'PUB-2',
      title: 'a publish reports whether the topic had a group, or that it cannot know, and is never wrong',
      promises: [1],
      level: 'required',
      async run(kit) {
        const queue = await kit.queue()
        const unrouted = await queue.publish(kit.topic('without'), 1)
        assert.notEqual(unrouted.routed, 'yes')
        await queue.declareGroup(kit.topic('with'), 'g')
        const routed = await queue.publish(kit.topic('with'), 1)
        assert.notEqual(routed.routed, 'no')
      },
    },
    {
      id: 'PUB-3',
      title: 'a given id is kept, and generated ids differ',
      promises: [1],
      level: 'required',
      async run(kit) {
        const queue = await kit.queue()
        const topic = kit.topic()
        const collector = await kit.collect(queue, topic)
        const ids = ['given-1', 'with spaces & ünïcode ✓', 'x'.repeat(255)]
        for (const id of ids) assert.equal((await queue.publish(topic, id, { id })).id, id)
        const made = await Promise.all(range(20).map(async (number) => (await queue.publish(topic, number)).id))
        assert.equal(new Set(made).size, 20, 'ids')
        await kit.until('all messages', () => collector.handled.length >= 23)
        await kit.quiet(() => collector.runs.length)
        assert.deepEqual(sorted(collector.ids), sorted([...ids, ...made]))
      },
    },
    {
      id: 'PUB-4',
      title: 'equal bodies are different messages',
      promises: [2],
      level: 'required',
      async run(kit) {
        const queue = await kit.queue()
        const collector = await kit.collect(queue, kit.topic())
        for (const _ of range(3)) await queue.publish(kit.topic(), 'the same', { key: 'k' })
        await kit.until('three messages', () => collector.handled.length >= 3)
        await kit.quiet(() => collector.runs.length)
        assert.equal(collector.runs.length, 3, 'runs')
      },
    },
    {
      id: 'PUB-5',
      title: 'topics are separate, even if one name is a prefix of the other or differs in one character',
      promises: [2, 3],
      level: 'required',
      async run(kit) {
        const queue = await kit.queue()
        const topics = ['ord', 'ord.eu', 'ord-eu', 'ord_eu', 'Ord', 'ordeu'].map((label) => kit.topic(label))
        const collectors = await Promise.all(topics.map((topic) => kit.collect(queue, topic)))
        for (const topic of topics) await queue.publish(topic, topic)
        await kit.until('one message each', () => collectors.every(({ handled }) => handled.length >= 1))
        await kit.quiet(() => collectors.reduce((sum, { runs }) => sum + runs.length, 0))
        const seen = collectors.map(({ handled }) => handled.map((run) => run.data))
        assert.deepEqual(
          seen,
          topics.map((topic) => [topic]),
        )
      },
    },
    {
      id: 'PUB-6',
      title: 'two publishes with one id within the window are stored once',
      promises: [1],
      level: 'capability',
      unless: ({ publishDedupeMs }) => (publishDedupeMs === 0 ? 'it does not ignore repeated ids' : undefined),
      async run(kit) {
        const queue = await kit.queue()
        const collector = await kit.collect(queue, kit.topic())
        const other = await kit.collect(queue, kit.topic('other'))
        for (const _ of range(3)) {
          await queue.publish(kit.topic(), 1, { id: 'same' })
          await queue.publish(kit.topic(), 1, { id: 'another' })
        }
        await queue.publish(kit.topic('other'), 1, { id: 'same' })
        await kit.until('both ids', () => collector.handled.length >= 2 && other.handled.length >= 1)
        await kit.quiet(() => collector.runs.length)
        assert.deepEqual(sorted(collector.ids), ['another', 'same'])
      },
    },
    {
      id: 'PUB-7',
      title: 'without a deduplication window, a message that is published twice is delivered twice',
      promises: [1],
      level: 'capability',
      unless: ({ publishDedupeMs }) => (publishDedupeMs > 0 ? 'it ignores repeated ids' : undefined),
      async run(kit) {
        const queue = await kit.queue()
        const collector = await kit.collect(queue, kit.topic())
        for (const _ of range(2)) await queue.publish(kit.topic(), 1, { id: 'same' })
        await kit.until('both messages', () => collector.handled.length >= 2)
        await kit.quiet(() => collector.runs.length)
        assert.deepEqual(collector.ids, ['same', 'same'])
      },
    },
    {
      id: 'PUB-8',
      title: 'each message of a list has its own outcome, in list order, and arrives',
      promises: [1],
      level: 'required',
      async run(kit) {
        const adapter = await kit.connected()
        const ref = { topic: kit.topic(), group: 'g' }
        await adapter.declareGroup(ref, { startFrom: 'latest' })
        const seen: string[] = []
        await adapter.consume(ref, consumeOptions, async ({ message }) => {
          seen.push(message.id)
          return done
        })
        assert.deepEqual(await adapter.publish(ref.topic, [], publishCall()), [])
        const messages = range(120).map((number) => rawMessage({ id: `m-${number}`, body: Buffer.from(`${number}`) }))
        const outcomes = await adapter.publish(ref.topic, messages, publishCall())
        assert.deepEqual(
          outcomes.map(({ status }) => status),
          messages.map(() => 'stored'),
        )
        await kit.until(
          () => `120 messages; ${seen.length} arrived`,
          () => seen.length >= 120,
        )
        await kit.quiet(() => seen.length)
        assert.deepEqual(sorted(seen), sorted(messages.map(({ id }) => id)))
      },
    },
    {
      id: 'PUB-9',
      title: 'a message over the size limit is refused alone; the others of its list and later messages are stored',
      promises: [14],
      level: 'required',
      async run(kit) {
        const queue = await kit.queue()
        const collector = await kit.collect(queue, kit.topic())
        const tooLarge = new Uint8Array(kit.capabilities.maxMessageBytes + 1)
        const small = range(20).map((number) => queue.publish(kit.topic(), number))
        await rejection(queue.publish(kit.topic(), tooLarge), 'MQ_MESSAGE_TOO_LARGE')
        await Promise.all(small)
        await queue.publish(kit.topic(), 'after')
        await kit.until('the messages below the limit', () => collector.handled.length >= 21)
        await kit.quiet(() => collector.runs.length)
        assert.equal(collector.runs.length, 21, 'runs')
      },
    },
    {
      id: 'PUB-10',
      title:
        'a publish without an answer from the broker settles at its timeout, and is rejected only if it is never stored',
      promises: [1, 12],
      level: 'required',
      needs: ['freeze', 'heal'],
      alone: true,
      timeoutMs: 60_000,
      async run(kit) {
        const queue = await kit.queue()
        const ledger = kit.ledger(kit.topic())
        await queue.declareGroup(kit.topic(), 'g')
        await ledger.publish(queue, { count: 1 })
        await kit.faults.freeze('both')
        const { tookMs, error } = await timed(ledger.publish(queue, { count: 20, timeoutMs: 1_500 }))
        assert.equal(error, undefined)
        assert.ok(tookMs < 1_500 + graceMs, `the publishes took ${Math.round(tookMs)} ms`)
        assert.equal(ledger.published.size, 1, 'publishes that resolved, of one before and twenty to a frozen broker')
        await kit.faults.heal()
        const later = await kit.queue()
        await ledger.collect(later)
        // A message that was handled although its publish was rejected fails the check.
        await ledger.check({ queue: later, duplicates: 20 })
      },
    },
    {
      id: 'PUB-11',
      title: 'an aborted publish settles soon and does not disturb other publishes',
      promises: [1],
      level: 'required',
      needs: ['freeze', 'heal'],
      alone: true,
      async run(kit) {
        const queue = await kit.queue()
        await queue.declareGroup(kit.topic(), 'g')
        await kit.faults.freeze('out')
        const controller = new AbortController()
        const publishing = timed(queue.publish(kit.topic(), 'aborted', { signal: controller.signal }))
        const other = queue.publish(kit.topic(), 'patient', { id: 'patient', timeoutMs: 20_000 })
        // The error is checked below. Until then the rejection must not count as unhandled.
        other.catch(() => {})
        controller.abort()
        const { error, tookMs } = await publishing
        assert.ok(
          isMqError(error) && /^MQ_PUBLISH_/.test(error.code),
          `the aborted publish resolved, or rejected with ${String(error)}`,
        )
        assert.ok(tookMs < graceMs, `the publish took ${Math.round(tookMs)} ms`)
        await kit.faults.heal()
        await other.catch((error) =>
          assert.ok(isMqError(error, 'MQ_PUBLISH_UNKNOWN'), `rejected with ${String(error)}`),
        )
        const collector = await kit.collect(queue, kit.topic())
        await queue.publish(kit.topic(), 'after', { id: 'after' })
        await kit.until('the later message', () => collector.ids.includes('after'))
      },
    },
    {
      id: 'PUB-12',
      title: 'while the broker is unreachable, publishes settle, and no more of them wait than the limit allows',
      promises: [1, 12],
      level: 'required',
      needs: ['cut', 'refuse', 'heal'],
      alone: true,
      async run(kit) {
        const queue = await kit.queue({ maxPendingMessages: 100, publishTimeoutMs: 2_000 })
        const ledger = kit.ledger(kit.topic())
        await queue.declareGroup(kit.topic(), 'g')
        await kit.faults.refuse()
        await kit.faults.cut()
        const results = await Promise.all(range(300).map((number) => timed(queue.publish(kit.topic(), number))))
        const codes = results.map(({ error }) => (isMqError(error) ? error.code : `resolved or ${String(error)}`))
        assert.ok(codes.filter((code) => code === 'MQ_BACKPRESSURE').length >= 200, 'more than 100 publishes waited')
        const allowed = ['MQ_BACKPRESSURE', 'MQ_PUBLISH_REJECTED', 'MQ_PUBLISH_UNKNOWN']
        assert.deepEqual(
          codes.filter((code) => !allowed.includes(code)),
          [],
        )
        for (const { tookMs } of results)
          assert.ok(tookMs < 2_000 + graceMs, `the publish took ${Math.round(tookMs)} ms`)
        await kit.faults.heal()
        await kit.until(
          'publishing to resume',
          async () => {
            await ledger.publish(queue, { count: 1 })
            return ledger.published.size > 0
          },
          { timeoutMs: 20_000 },
        )
      },
    },
    {
      id: 'PUB-13',
      title: 'publishes in flight across a cut resolve once the connection has recovered, and are stored then',
      promises: [1, 10],
      level: 'required',
      needs: ['cut'],
      alone: true,
      timeoutMs: 60_000,
      async run(kit) {
        const queue = await kit.queue({ publishTimeoutMs: 15_000 })
        const ledger = kit.ledger(kit.topic())
        await ledger.collect(queue, { concurrency: 50 })
        const publishing = ledger.publish(queue, { count: 600, parallel: 300 })
        await kit.until('100 publishes', () => ledger.published.size >= 100)
        await kit.faults.cut()
        await publishing
        const { published, unknown, rejected } = ledger
        const outcomes = { stored: published.size, unknown: unknown.size, rejected: rejected.size }
        assert.deepEqual(outcomes, { stored: 600, unknown: 0, rejected: 0 }, 'publishes by outcome')
        await ledger.check({ queue, duplicates: 600, withinMs: kit.redeliveryMs + 15_000 })
      },
    },
    {
      id: 'PUB-14',
      title: 'a lost answer to a publish does not lose the message',
      promises: [1, 10],
      level: 'required',
      needs: ['dropAnswer'],
      alone: true,
      async run(kit) {
        const queue = await kit.queue()
        const ledger = kit.ledger(kit.topic())
        await ledger.collect(queue)
        const publisher = await kit.queue()
        await ledger.publish(publisher, { count: 5 })
        await kit.faults.dropAnswer()
        await ledger.publish(publisher, { count: 10, parallel: 10 })
        // The lost answer may have been one to the consumer. With a deduplication window no message is stored twice.
        const duplicates = kit.capabilities.publishDedupeMs > 0 ? 10 : 20
        await ledger.check({ queue, duplicates, withinMs: kit.redeliveryMs + 15_000 })
      },
    },
    {
      id: 'PUB-15',
      title: 'while the broker accepts no messages, publishes wait or reject, none is lost, and consumers continue',
      promises: [1, 12],
      level: 'optional',
      needs: ['block', 'heal'],
      alone: true,
      // A broker may take its time until it accepts no messages, and until it does again.
      timeoutMs: 90_000,
      async run(kit) {
        const queue = await kit.queue()
        const publisher = await kit.queue({ publishTimeoutMs: 1_500 })
        const ledger = kit.ledger(kit.topic())
        await queue.declareGroup(kit.topic(), 'g')
        await ledger.publish(publisher, { count: 50 })
        await kit.faults.block()
        const blocked = await Promise.all(range(10).map(() => timed(publisher.publish(kit.topic('other'), 1))))
        for (const { tookMs } of blocked)
          assert.ok(tookMs < 1_500 + graceMs, `the publish took ${Math.round(tookMs)} ms`)
        assert.ok(
          blocked.every(({ error }) => isMqError(error)),
          'a publish to a blocked broker resolved',
        )
        await ledger.collect(queue)
        await kit.until('the messages stored before the block to be handled', () => ledger.handled().size >= 50)
        await kit.faults.heal()
        await ledger.publish(queue, { count: 20 })
        assert.equal(ledger.published.size, 70, 'published messages')
        await ledger.check({ queue, duplicates: 0 })
      },
    },
    {
      id: 'PUB-16',
      title: 'the adapter itself settles a publish at its timeout or on abort, with an outcome for each message',
      promises: [1],
      level: 'required',
      needs: ['freeze', 'heal'],
      alone: true,
      async run(kit) {
        const adapter = await kit.connected()
        await adapter.declareGroup({ topic: kit.topic(), group: 'g' }, { startFrom: 'latest' })
        await adapter.publish(kit.topic(), [rawMessage()], publishCall())
        await kit.faults.freeze('both')
        const controller = new AbortController()
        const settled: { readonly statuses: readonly string[]; readonly tookMs: number }[] = []
        const publishing = [publishCall(1_500), { timeoutMs: 25_000, signal: controller.signal }].map(async (call) => {
          const { value, tookMs } = await timed(adapter.publish(kit.topic(), [rawMessage(), rawMessage()], call))
          settled.push({ statuses: value?.map(({ status }) => status) ?? ['a rejection'], tookMs })
        })
        await sleep(200)
        controller.abort()
        const patience = { timeoutMs: 1_500 + graceMs }
        await kit.until(
          () => `two calls to settle; ${settled.length} did`,
          () => settled.length === 2,
          patience,
        )
        await Promise.all(publishing)
        const allowed = ['rejected', 'unknown']
        for (const { statuses, tookMs } of settled) {
          assert.equal(statuses.length, 2, 'outcomes')
          assert.ok(
            statuses.every((status) => allowed.includes(status)),
            `the outcomes are ${statuses.join(' and ')}, not rejected or unknown`,
          )
          assert.ok(tookMs < 1_500 + graceMs, `the publish took ${Math.round(tookMs)} ms`)
        }
      },
    },
    {
      id: 'PUB-17',
      title: 'many publishes at once, all with one signal, cause no warning of too many listeners',
      promises: [12],
      level: 'required',
      alone: 'process',
      async run(kit) {
        const queue = await kit.queue()
        await queue.declareGroup(kit.topic(), 'g')
        const warnings: string[] = []
        const onWarning = ({ name, message }: Error): void => {
          if (name === 'MaxListenersExceededWarning') warnings.push(message)
        }
        process.on('warning', onWarning)
        try {
          const { signal } = new AbortController()
          const results = await Promise.all(range(50).map((number) => queue.publish(kit.topic(), number, { signal })))
          assert.equal(new Set(results.map(({ id }) => id)).size, 50)
          // A warning comes a tick later.
          await sleep(0)
          assert.deepEqual(warnings, [])
        } finally {
          process.off('warning', onWarning)
        }
      },
    },
    {
      id: 'PUB-18',
      title:
        'a publish whose answer is lost, and that cannot be repeated until its timeout, is unknown if it was stored',
      promises: [1],
      level: 'required',
      needs: ['link'],
      timeoutMs: 60_000,
      async run(kit) {
        const [link, queue] = [await kit.link(), await kit.queue()]
        const publisher = await kit.queue({ adapter: link.options, publishTimeoutMs: 4_000 })
        const ledger = kit.ledger(kit.topic())
        const collector = await ledger.collect(queue)
        await ledger.publish(publisher, { count: 3 })
        await kit.until('the first messages', () => collector.handled.length === 3)
        await link.freeze('out')
        const publishing = ledger.publish(publisher, { count: 5, parallel: 5 })
        // A failure is thrown below. Until then the rejection must not count as unhandled.
        publishing.catch(() => {})
        await kit.until('a message to be stored', () => collector.handled.length > 3)
        await link.refuse()
        await link.cut()
        await publishing
        // A message that was handled although its publish was rejected fails the check.
        await ledger.check({ queue, duplicates: 0 })
        const { published, unknown, rejected } = ledger
        assert.equal(published.size, 3, 'publishes with an answer')
        assert.equal(unknown.size + rejected.size, 5, 'publishes without one')
      },
    },
    ...publishInFlight,
  ],
}
