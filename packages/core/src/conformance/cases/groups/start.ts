import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import type { ConformanceCase } from '../../kit/case.js'
import type { Collector } from '../../kit/collector.js'
import { range, rejection, sorted } from '../../kit/expect.js'

/** Tests at which message a new group begins. */
export const groupStarts: readonly ConformanceCase[] = [
  {
    id: 'GRP-10',
    title: 'a group begins with the messages published after its creation and gets none from before',
    promises: [2],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const [queue, topic] = [await kit.queue(), kit.topic()]
      await queue.declareGroup(topic, 'earlier')
      await queue.publishAll(topic, range(10))
      await queue.declareGroup(topic, 'declared')
      const subscribed = await kit.collect(queue, topic, { group: 'subscribed', startFrom: 'latest' })
      const { id } = await queue.publish(topic, 'after')
      const declared = await kit.collect(queue, topic, { group: 'declared' })
      const earlier = await kit.collect(queue, topic, { group: 'earlier' })
      await kit.until('the later message in both, and all in the earlier group', () => {
        return [subscribed, declared].every(({ ids }) => ids.includes(id)) && earlier.handled.length >= 11
      })
      await kit.quiet(() => subscribed.runs.length + declared.runs.length + earlier.runs.length)
      assert.deepEqual({ subscribed: subscribed.ids, declared: declared.ids }, { subscribed: [id], declared: [id] })
      assert.equal(earlier.handled.length, 11, 'handled messages')
    },
  },
  {
    id: 'GRP-11',
    title: 'a group created under load gets all messages published after its creation',
    promises: [2],
    level: 'required',
    timeoutMs: 90_000,
    async run(kit) {
      const [queue, publisher, topic] = [await kit.queue(), await kit.queue(), kit.topic()]
      await publisher.declareGroup(topic, 'earlier')
      const finished = new Set<string>()
      const afterwards = new Set<string>()
      let isMade = false
      let goesOn = true
      const stream = async (lane: number): Promise<void> => {
        for (let number = 0; goesOn; number++) {
          const id = `${lane}-${number}`
          if (isMade) afterwards.add(id)
          await publisher.publish(topic, number, { id })
          finished.add(id)
          // An embedded broker answers within this turn of the event loop, which would starve all others.
          await setImmediate()
        }
      }
      const before: string[] = []
      const making = async (): Promise<Collector> => {
        try {
          await kit.until('the stream to run', () => finished.size >= 50)
          before.push(...finished)
          const made = await kit.collect(queue, topic, { concurrency: 50 })
          isMade = true
          await kit.until('the stream to run on', () => afterwards.size >= 100)
          return made
        } finally {
          goesOn = false
        }
      }
      const [collector] = await Promise.all([making(), ...range(4).map(stream)])
      const missing = (): readonly string[] => {
        const ids = new Set(collector.ids)
        return [...afterwards].filter((id) => !ids.has(id))
      }
      await kit.until(
        () => `messages published after subscribe resolved: ${missing().slice(0, 5).join(', ')}`,
        () => missing().length === 0,
        { timeoutMs: 20_000 },
      )
      await kit.quiet(() => collector.runs.length)
      const ids = new Set(collector.ids)
      assert.equal(ids.size, collector.runs.length, 'runs of distinct messages')
      assert.deepEqual(
        before.filter((id) => ids.has(id)),
        [],
        'messages from before the group was created',
      )
    },
  },
  {
    id: 'GRP-12',
    title: 'with startFrom earliest, a new group also gets the messages that other groups have not handled yet',
    promises: [2],
    level: 'capability',
    unless: ({ startFromEarliest }) =>
      startFromEarliest ? undefined : 'it cannot start a group with earlier messages',
    timeoutMs: 60_000,
    async run(kit) {
      const queue = await kit.queue()
      const ledger = kit.ledger(kit.topic())
      // The messages must be kept until this group has read them.
      await queue.declareGroup(kit.topic(), 'earlier')
      await ledger.publish(queue, { count: 30 })
      await ledger.collect(queue, { startFrom: 'earliest' })
      const another = await kit.collect(await kit.queue(), kit.topic(), { group: 'later', startFrom: 'earliest' })
      await ledger.publish(queue, { count: 10 })
      await ledger.check({ queue, duplicates: 0 })
      await kit.until('all in the other group too', () => another.handled.length >= 40)
      assert.deepEqual(sorted(another.ids), sorted(ledger.published))
    },
  },
  {
    id: 'GRP-13',
    title: 'a message published before its topic has a group waits for a group that starts from the earliest',
    promises: [1, 2],
    level: 'capability',
    unless: ({ retainsUnrouted, startFromEarliest }) => {
      if (!retainsUnrouted) return 'it keeps nothing for which there is no group'
      return startFromEarliest ? undefined : 'it cannot start a group with earlier messages'
    },
    timeoutMs: 60_000,
    async run(kit) {
      const queue = await kit.queue()
      const ledger = kit.ledger(kit.topic())
      await ledger.publish(queue, { count: 20 })
      assert.equal(ledger.published.size, 20, 'published messages')
      await ledger.collect(queue, { startFrom: 'earliest' })
      await ledger.check({ queue, duplicates: 0 })
    },
  },
  {
    id: 'GRP-14',
    title: 'without retainsUnrouted, publish reports that a message without a group was not routed',
    promises: [1],
    level: 'capability',
    unless: ({ retainsUnrouted }) => (retainsUnrouted ? 'it keeps them' : undefined),
    timeoutMs: 60_000,
    async run(kit) {
      const [queue, topic] = [await kit.queue(), kit.topic()]
      const results = await queue.publishAll(topic, range(3))
      assert.deepEqual(
        results.map(({ routed }) => routed),
        ['no', 'no', 'no'],
      )
      const startFrom = kit.capabilities.startFromEarliest ? 'earliest' : 'latest'
      const collector = await kit.collect(queue, topic, { startFrom })
      const { id, routed } = await queue.publish(topic, 'after')
      assert.notEqual(routed, 'no')
      await kit.until('the later message', () => collector.ids.includes(id))
      await kit.quiet(() => collector.runs.length)
      assert.deepEqual(collector.ids, [id])
    },
  },
  {
    id: 'GRP-15',
    title: 'without startFromEarliest, a group that asks for it is refused and not created',
    promises: [2],
    level: 'capability',
    refusal: true,
    unless: ({ startFromEarliest }) => (startFromEarliest ? 'it starts groups with earlier messages' : undefined),
    async run(kit) {
      const [queue, topic] = [await kit.queue(), kit.topic()]
      await rejection(queue.declareGroup(topic, 'g', { startFrom: 'earliest' }), 'MQ_NOT_SUPPORTED')
      await rejection(
        queue.subscribe(topic, () => {}, { startFrom: 'earliest' }),
        'MQ_NOT_SUPPORTED',
      )
      assert.notEqual((await queue.publish(topic, 1)).routed, 'yes')
    },
  },
]
