import assert from 'node:assert/strict'
import type { ConformanceCase } from '../../kit/case.js'
import type { Collector } from '../../kit/collector.js'
import { createGate, sleep } from '../../kit/wait.js'

/** Tests that every group gets all messages, and that the members of a group share them. */
export const groupMembers: readonly ConformanceCase[] = [
  {
    id: 'GRP-1',
    title: 'every group gets every message once, however slow or broken the handlers of another group are',
    promises: [2, 3, 5],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const [queue, topic] = [await kit.queue(), kit.topic()]
      const ledgers = ['first', 'second', 'third'].map((group) => kit.ledger(topic, group))
      const [publishing, ...others] = ledgers
      assert.ok(publishing, 'there is no ledger for publishing')
      await Promise.all(ledgers.map(({ collect }) => collect(queue)))
      const failing = await kit.collect(queue, topic, {
        group: 'failing',
        retry: false,
        handler: () => assert.fail('broken on purpose'),
      })
      const stuck = await kit.collect(queue, topic, { group: 'stuck', handler: () => createGate().opened })
      await publishing.publish(queue, { count: 100 })
      await publishing.check({ queue, duplicates: 0 })
      const everything = new Map([...publishing.published].map((id) => [id, 1]))
      await kit.until('100 messages in every group', () => {
        return failing.runs.length >= 100 && others.every(({ handled }) => handled().size >= 100)
      })
      await kit.quiet(() => failing.runs.length)
      for (const { handled } of others) assert.deepEqual(handled(), everything)
      assert.equal(failing.runs.length, 100, 'runs')
      assert.ok(stuck.running > 0, 'the stuck group has no running handler')
    },
  },
  {
    id: 'GRP-2',
    title: 'the members of a group share its messages: each gets some, and no message reaches two',
    promises: [3],
    level: 'required',
    timeoutMs: 60_000,
    async run(kit) {
      const queue = await kit.queue()
      const ledger = kit.ledger(kit.topic())
      const gate = createGate()
      // Handlers are held up, so that a quick member leaves messages for the others.
      const options = { concurrency: 2, handler: () => gate.opened }
      const members: Collector[] = [
        await ledger.collect(queue, options),
        await ledger.collect(queue, options),
        await ledger.collect(await kit.queue(), options),
      ]
      await ledger.publish(queue, { count: 120 })
      await kit.until('each member to get some', () => members.every(({ runs }) => runs.length > 0), {
        timeoutMs: 20_000,
      })
      gate.open()
      await ledger.check({ queue, duplicates: 0 })
      assert.equal(
        members.reduce((sum, { runs }) => sum + runs.length, 0),
        120,
      )
    },
  },
  {
    id: 'GRP-3',
    title: 'a member that leaves during the work loses no message: the others handle the rest, each message once',
    promises: [3, 13],
    level: 'required',
    timeoutMs: 90_000,
    async run(kit) {
      const [staying, leaving] = [await kit.queue(), await kit.queue()]
      const ledger = kit.ledger(kit.topic())
      const options = { concurrency: 5, handler: () => sleep(2) }
      await ledger.collect(staying, options)
      const member = await ledger.collect(leaving, options)
      const publishing = ledger.publish(staying, { count: 500, parallel: 10 })
      await kit.until('the leaving member to be at work', () => member.handled.length >= 10, { timeoutMs: 20_000 })
      await member.subscription.stop()
      const handledBefore = member.handled.length
      assert.equal(member.runs.length, handledBefore, 'stop resolved while a handler was running')
      await publishing
      await ledger.check({ queue: staying, duplicates: 0, withinMs: 40_000 })
      assert.equal(member.runs.length, handledBefore, 'a member that had left got a message')
    },
  },
  {
    id: 'GRP-4',
    title: 'a member that joins during the work gets its share, and no message is lost or handled by two at once',
    promises: [2, 3],
    level: 'required',
    timeoutMs: 120_000,
    async run(kit) {
      const [first, second] = [await kit.queue(), await kit.queue()]
      const ledger = kit.ledger(kit.topic())
      const running = new Map<string, AbortSignal>()
      const overlaps: string[] = []
      const options = {
        concurrency: 5,
        handler: async ({ id }: { readonly id: string }, { signal }: { readonly signal: AbortSignal }) => {
          // A handler whose signal has aborted has lost its message to the one that starts now.
          if (running.get(id)?.aborted === false) overlaps.push(id)
          running.set(id, signal)
          await sleep(5)
          if (running.get(id) === signal) running.delete(id)
        },
      }
      const early = await ledger.collect(first, options)
      let isJoined = false
      const publishing = async (): Promise<void> => {
        while (!isJoined) {
          await ledger.publish(first, { count: 20 })
          // Otherwise the backlog grows faster than two members can handle it.
          await kit.until('most of it to be handled', () => ledger.published.size - ledger.handled().size < 200)
        }
        await ledger.publish(first, { count: 100 })
      }
      const joining = async (): Promise<Collector> => {
        try {
          await kit.until('the first member to be at work', () => early.handled.length >= 20)
          return await ledger.collect(second, options)
        } finally {
          isJoined = true
        }
      }
      const [late] = await Promise.all([joining(), publishing()])
      await kit.until('the new member to get some', async () => {
        if (late.runs.length > 0) return true
        await ledger.publish(first, { count: 10 })
        return false
      })
      // A rebalance may repeat running messages. Their handlers were aborted, or had just ended.
      await ledger.check({ queue: first, duplicates: ledger.published.size, withinMs: kit.redeliveryMs + 15_000 })
      assert.deepEqual(overlaps, [], 'two members handled the same message at once')
    },
  },
  {
    id: 'GRP-20',
    title: 'a member that joins while handlers run takes none of their messages: each runs once, where it began',
    promises: [3],
    level: 'required',
    timeoutMs: 90_000,
    async run(kit) {
      const [first, second] = [await kit.queue(), await kit.queue()]
      const [ledger, gate] = [kit.ledger(kit.topic()), createGate()]
      const options = { concurrency: 12, handler: () => gate.opened }
      const early = await ledger.collect(first, options)
      // Keys spread them over a broker that divides topics.
      await ledger.publish(first, { count: 12, key: (index) => `k-${index}` })
      await kit.until('all to run', () => early.running === 12)
      const joining = ledger.collect(second, options)
      joining.catch(() => {})
      // A broker that does not wait for the handlers hands their messages over in this time.
      await sleep(1_500)
      gate.open()
      const late = await joining
      await ledger.check({ queue: first, duplicates: 0, withinMs: kit.redeliveryMs + 15_000 })
      assert.deepEqual(late.ids, [])
    },
  },
]
