import assert from 'node:assert/strict'
import type { AdapterEvent } from '../../../adapter.js'
import { isMqError, type Queue, type QueueEvents, type QueueHealth } from '../../../index.js'
import type { ConformanceCase } from '../../kit/case.js'
import { range, timed } from '../../kit/expect.js'
import { createGate } from '../../kit/gate.js'
import type { Kit } from '../../kit/kit.js'
import { healMs, publishAgain, untilWell } from '../../kit/load.js'

/** How soon a connection that was reset, and cannot be made again, has to be known to be gone. */
const noticeMs = 10_000

export const healthTrouble: readonly ConformanceCase[] = [
  {
    id: 'HEA-4',
    title: 'a cut is told by the state event, and health says the same at every moment',
    promises: [10],
    level: 'required',
    needs: ['cut'],
    alone: true,
    timeoutMs: 90_000,
    async run(kit) {
      const { queue, watch, ledger } = await watched(kit)
      let removedHeard = 0
      const remove = queue.on('state', () => {
        removedHeard += 1
      })
      remove()
      await kit.faults.cut()
      await kit.until('the cut to be noticed', () => watch.states.length > 0, { timeoutMs: noticeMs })
      await untilWell(kit, queue)
      await publishAgain(kit, ledger, queue, 10)
      await ledger.check({ queue, duplicates: 11, withinMs: healMs })
      watch.check()
      const [first] = watch.states
      const { previous, state } = first ?? {}
      assert.deepEqual({ previous, state }, { previous: 'connected', state: 'reconnecting' })
      assert.equal(watch.states.at(-1)?.state, 'connected')
      assert.equal(removedHeard, 0, 'a listener that was removed was told')
      assert.ok(isMqError(queue.health().lastError), 'lastError does not tell of the trouble')
    },
  },
  {
    id: 'HEA-5',
    title: 'while the broker cannot be reached health is down and no consumer consumes; after that all is up by itself',
    promises: [10],
    level: 'required',
    needs: ['cut', 'refuse', 'heal'],
    alone: true,
    timeoutMs: 90_000,
    async run(kit) {
      const { queue, watch, ledger } = await watched(kit)
      await kit.faults.refuse()
      await kit.faults.cut()
      await kit.until('health to be down', () => queue.health().status === 'down', { timeoutMs: noticeMs })
      // It has to stay so through the attempts to connect that fail.
      let reachable = 0
      for (const _ of range(4)) {
        await kit.quiet(() => {
          const { status, consumers } = queue.health()
          if (status !== 'down' || consumers.some((one) => one.status !== 'recovering')) reachable += 1
          return 0
        })
      }
      assert.equal(reachable, 0, 'health did not stay down, or a consumer was said to consume')
      assert.equal(queue.health().state, 'reconnecting')
      assert.equal(queue.health().consumers.length, 1)
      await kit.faults.heal()
      await untilWell(kit, queue)
      await publishAgain(kit, ledger, queue, 10)
      await ledger.check({ queue, duplicates: 11, withinMs: healMs })
      watch.check()
      assert.ok(isMqError(queue.health().lastError), 'lastError does not tell of the trouble')
    },
  },
  {
    id: 'HEA-6',
    title: 'a listener that was taken from the adapter hears nothing, and the others do',
    promises: [10],
    level: 'required',
    needs: ['cut'],
    alone: true,
    timeoutMs: 60_000,
    async run(kit) {
      const adapter = await kit.connected()
      const heard: AdapterEvent[] = []
      let removedHeard = 0
      const remove = adapter.on(() => {
        removedHeard += 1
      })
      adapter.on((event) => heard.push(event))
      remove()
      await kit.faults.cut()
      const has = (wanted: string): boolean => heard.some((event) => event.type === 'state' && event.state === wanted)
      await kit.until('the loss of the connection', () => has('reconnecting'), { timeoutMs: noticeMs })
      await kit.until('its return', () => has('connected'), { timeoutMs: healMs })
      assert.equal(removedHeard, 0, 'a listener that was removed was told')
    },
  },
  {
    id: 'HEA-7',
    title: 'a broker that takes no messages is told by the blocked event, as is the end of it',
    promises: [10, 12],
    level: 'optional',
    needs: ['block', 'heal'],
    alone: true,
    timeoutMs: 60_000,
    async run(kit) {
      const queue = await kit.queue()
      const heard: boolean[] = []
      queue.on('blocked', ({ blocked }) => heard.push(blocked))
      await queue.declareGroup(kit.topic(), 'g')
      await queue.publish(kit.topic(), 'before')
      await kit.faults.block()
      const { error, tookMs } = await timed(queue.publish(kit.topic(), 'meanwhile', { timeoutMs: 1_500 }))
      const refusedAtOnce = isMqError(error, 'MQ_PUBLISH_REJECTED') && tookMs < 700
      const isTold = (): boolean => refusedAtOnce || heard[0] === true
      await kit.until('the event that says why a publish waited for the broker', isTold)
      await kit.faults.heal()
      const isOver = (): boolean => refusedAtOnce || heard.at(-1) === false
      await kit.until('the event that it is over', isOver, { timeoutMs: 15_000 })
      await queue.publish(kit.topic(), 'after')
    },
  },
  {
    id: 'HEA-8',
    title: 'a group that is destroyed at the broker is a data-loss event; its handlers are told, and consuming goes on',
    promises: [3, 10, 15],
    level: 'required',
    needs: ['destroy'],
    alone: true,
    timeoutMs: 120_000,
    async run(kit) {
      const { queue, watch, ledger } = await watched(kit, { topic: kit.topic('other') })
      const losses: QueueEvents['data-loss'][] = []
      queue.on('data-loss', (event) => losses.push(event))
      const gate = createGate()
      const collector = await kit.collect(queue, kit.topic(), { concurrency: 1, handler: () => gate.opened })
      for (const number of range(10)) await queue.publish(kit.topic(), number, { id: `lost-${number}` })
      await kit.until('one to run', () => collector.running === 1)
      const ref = { topic: kit.topic(), group: 'g' }
      await kit.faults.destroy(ref)
      const withinMs = { timeoutMs: kit.redeliveryMs + healMs }
      await kit.until('the data-loss event', () => losses.length > 0, withinMs)
      for (const { topic, group } of losses) assert.deepEqual({ topic, group }, ref)
      assert.ok(losses.every(({ count }) => count === undefined || count > 0))
      await kit.until('the handler to be told', () => collector.runs[0]?.signal.aborted === true, withinMs)
      gate.open()
      await untilWell(kit, queue)
      const ids = range(10).map((number) => `later-${number}`)
      for (const id of ids) await queue.publish(kit.topic(), 'later', { id })
      await kit.until('what is published later', () => ids.every((id) => collector.ids.includes(id)), withinMs)
      await ledger.publish(queue, { count: 10 })
      await ledger.check({ queue, duplicates: 0 })
      watch.check()
    },
  },
]

interface HealthWatch {
  readonly states: readonly QueueEvents['state'][]
  /** Throws when health contradicted the state, or itself, at any moment since. */
  check(): void
}

/** A queue with a consumer that has had a message, looked at all the time. */
async function watched(kit: Kit, { topic = kit.topic() } = {}) {
  const queue = await kit.queue()
  const ledger = kit.ledger(topic)
  await ledger.collect(queue)
  await ledger.publish(queue, { count: 1 })
  await kit.until('a first message', () => ledger.handled().size === 1)
  await kit.quiet(() => ledger.handled().size)
  return { queue, ledger, watch: watchHealth(queue) }
}

function watchHealth(queue: Queue): HealthWatch {
  const states: QueueEvents['state'][] = []
  const lies: QueueHealth[] = []
  const look = (): void => {
    const health = queue.health()
    if (contradicts(health)) lies.push(health)
  }
  queue.on('state', (event) => {
    states.push(event)
    look()
  })
  const timer = setInterval(() => {
    if (queue.health().state === 'disconnected') clearInterval(timer)
    else look()
  }, 5)
  timer.unref()
  return {
    states,
    check: () => assert.deepEqual(lies.slice(0, 3), [], `${lies.length} times health contradicted itself`),
  }
}

const contradicts = ({ state, status, consumers }: QueueHealth): boolean =>
  (state === 'connected' && status === 'down') ||
  (state === 'reconnecting' && status === 'up') ||
  (status === 'up' && consumers.some((one) => one.status === 'recovering'))
