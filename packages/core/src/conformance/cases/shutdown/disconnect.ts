import assert from 'node:assert/strict'
import { isMqError } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import { range, rejection, sorted, timed } from '../../kit/expect.js'
import type { Kit } from '../../kit/kit.js'
import { publishCall, rawMessage } from '../../kit/raw.js'
import { aborted, createGate } from '../../kit/wait.js'

/** A stop has this time to give up its connections. An adapter that waits for answers of the broker takes longer. */
const graceMs = 2_000

export const disconnecting: readonly ConformanceCase[] = [
  {
    id: 'SHD-9',
    title: 'handlers that disconnect waits for may still publish, and their messages arrive',
    promises: [1, 13],
    level: 'required',
    async run(kit) {
      const [queue, other] = [await kit.queue(), await kit.queue()]
      const replies = await kit.collect(other, kit.topic('replies'))
      const gate = createGate()
      const collector = await kit.collect(queue, kit.topic(), {
        handler: async (message, context) => {
          await gate.opened
          await context.queue.publish(kit.topic('replies'), 1, { id: `reply-to-${message.id}` })
        },
      })
      await queue.publish(kit.topic(), 1, { id: 'asked' })
      await kit.until('the handler to run', () => collector.running === 1)
      const disconnecting = queue.disconnect()
      gate.open()
      await disconnecting
      assert.equal(collector.handled.length, 1, 'handled messages after disconnect')
      await kit.until('the reply', () => replies.handled.length >= 1)
      assert.deepEqual(replies.ids, ['reply-to-asked'])
      await rejection(queue.publish(kit.topic(), 1), 'MQ_CLOSED')
    },
  },
  {
    id: 'SHD-10',
    title: 'messages published before disconnect was called are sent and acknowledged before it resolves',
    promises: [1, 13],
    level: 'required',
    async run(kit) {
      const [queue, other] = [await kit.queue(), await kit.queue()]
      const ledger = kit.ledger(kit.topic())
      await ledger.collect(other)
      const publishing = ledger.publish(queue, { count: 100, parallel: 100 })
      await queue.disconnect()
      await publishing
      assert.equal(ledger.published.size, 100, 'publishes that were stored in time')
      await ledger.check({ queue: other, duplicates: 0 })
    },
  },
  {
    id: 'SHD-11',
    title:
      'disconnect from a frozen broker resolves at its timeout; pending publishes reject or are stored, and handlers are aborted',
    promises: [1, 13],
    level: 'required',
    needs: ['freeze', 'heal'],
    alone: true,
    run: (kit) => disconnectWithout(kit, { fault: () => kit.faults.freeze('both'), repair: () => kit.faults.heal() }),
  },
  {
    id: 'SHD-12',
    title:
      'disconnect from a dead broker resolves at its timeout; pending publishes reject or are stored, and handlers are aborted',
    promises: [1, 13],
    level: 'required',
    needs: ['kill', 'restart'],
    alone: true,
    timeoutMs: 120_000,
    run: (kit) => disconnectWithout(kit, { fault: () => kit.faults.kill(), repair: () => kit.faults.restart() }),
  },
  {
    id: 'SHD-13',
    title: 'a process that has disconnected exits by itself: no timer and no socket keeps it alive',
    promises: [13],
    level: 'required',
    needs: ['worker'],
    timeoutMs: 60_000,
    async run(kit) {
      const queue = await kit.queue()
      const worker = await kit.worker({ topic: kit.topic(), handler: 'leave' })
      await queue.publish(kit.topic(), 1)
      let ended = false
      void worker.exited.then(() => {
        ended = true
      })
      await kit.until('the worker to handle a message', () => worker.events.some(({ type }) => type === 'handled'))
      await kit.until('the process to exit after its disconnect', () => ended, { timeoutMs: 20_000 })
    },
  },
  {
    id: 'SHD-14',
    title: 'used and disconnected queues leave no timer and no socket behind',
    promises: [13],
    level: 'required',
    alone: 'process',
    timeoutMs: 90_000,
    async run(kit) {
      // Resources that are created once, at the first use, may stay.
      await useAndLeave(kit, 'first')
      const before = await lowest(kit)
      for (const number of range(5)) await useAndLeave(kit, String(number))
      const what = () => `no more resources than the ${before} before to be active: ${process.getActiveResourcesInfo()}`
      await kit.until(what, () => process.getActiveResourcesInfo().length <= before, { timeoutMs: 5_000 })
    },
  },
  {
    id: 'SHD-15',
    title: 'the adapter itself sends the messages it has accepted before it disconnects',
    promises: [1, 13],
    level: 'required',
    async run(kit) {
      const [adapter, queue] = [await kit.connected(), await kit.queue()]
      const collector = await kit.collect(queue, kit.topic())
      const messages = range(50).map((number) => rawMessage({ id: `m-${number}` }))
      const publishing = Promise.all(messages.map((message) => adapter.publish(kit.topic(), [message], publishCall())))
      await adapter.disconnect({ timeoutMs: 10_000 })
      const statuses = (await publishing).flatMap((outcomes) => outcomes.map(({ status }) => status))
      assert.deepEqual(
        statuses,
        messages.map(() => 'stored'),
      )
      await kit.until('all messages to be handled', () => collector.handled.length >= 50)
      await kit.quiet(() => collector.runs.length)
      assert.deepEqual(sorted(collector.ids), sorted(messages.map(({ id }) => id)))
    },
  },
]

const disconnectMs = 500

/** Disconnects while a handler runs and publishes wait for a broker that does not answer. */
interface Trouble {
  fault(): Promise<void>
  repair(): Promise<void>
}

async function disconnectWithout(kit: Kit, { fault, repair }: Trouble): Promise<void> {
  const queue = await kit.queue()
  const collector = await kit.collect(queue, kit.topic(), {
    handler: (_, { signal }) => aborted(signal),
  })
  await queue.publish(kit.topic(), 1)
  await kit.until('the handler to run', () => collector.running === 1)
  await fault()
  let settled = 0
  const publishing = range(10).map((number) =>
    timed(queue.publish(kit.topic(), number, { id: `p${number}`, timeoutMs: 25_000 })).finally(() => {
      settled += 1
    }),
  )
  const { tookMs } = await timed(queue.disconnect({ timeoutMs: disconnectMs }))
  const took = `disconnect took ${Math.round(tookMs)} ms with a timeout of ${disconnectMs} ms`
  assert.ok(tookMs < disconnectMs + graceMs, `${took}, and ${graceMs} ms more are allowed`)
  await kit.until('the pending publishes to settle', () => settled === 10, { timeoutMs: 2_000 })
  const stored: string[] = []
  for (const [number, { error }] of (await Promise.all(publishing)).entries()) {
    const codes = /^MQ_(?:PUBLISH_UNKNOWN|PUBLISH_REJECTED|CLOSED)$/
    if (error === undefined) stored.push(`p${number}`)
    else assert.ok(isMqError(error) && codes.test(error.code), `a publish rejected with ${String(error)}`)
  }
  await kit.until('the handlers to end', () => collector.running === 0, { timeoutMs: 2_000 })
  if (stored.length === 0) return
  // In a cluster other nodes may take a message. Whatever is said to be stored has to be there.
  await repair()
  const later = await kit.collect(await kit.queue(), kit.topic())
  const all = (): boolean => stored.every((id) => later.ids.includes(id))
  await kit.until('what is said to be stored', all, { timeoutMs: kit.capabilities.redeliveryMs + 20_000 })
}

/** Does everything that might leave a resource behind: a publish, a run, a retry and a stop at its timeout. */
async function useAndLeave(kit: Kit, label: string): Promise<void> {
  const queue = await kit.queue()
  const collector = await kit.collect(queue, kit.topic(label), {
    timeoutMs: Math.min(60_000, kit.capabilities.maxHandlerMs),
    handler: ({ data, attempt }) => {
      if (data === 'again' && attempt === 1) throw new Error('broken on purpose')
    },
  })
  await queue.publish(kit.topic(label), 'once', { timeoutMs: 60_000 })
  await queue.publish(kit.topic(label), 'again', { timeoutMs: 60_000 })
  await kit.until('both messages', () => collector.handled.length >= 2)
  await collector.subscription.stop()
  await queue.stats(kit.topic(label), 'g')
  await queue.disconnect()
}

/**
 * Returns how many timers, sockets and the like keep this process alive, once the ones that are about to end have
 * ended.
 */
async function lowest(kit: Kit): Promise<number> {
  let min = Number.POSITIVE_INFINITY
  await kit.quiet(() => {
    min = Math.min(min, process.getActiveResourcesInfo().length)
    return min
  })
  return min
}
